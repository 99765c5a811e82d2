from . import software_license_trial
