from . import software_license_certificate
