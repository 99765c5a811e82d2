from . import software_license_file
from . import software_license_signing_key_add
from . import software_license_trial
