# First: others inherit them.
from . import software_license_once
from . import software_license_guard
from . import software_license_wizard

from . import base_import
from . import software_license_extend
from . import software_license_file
from . import software_license_issue
from . import software_license_issue_do
from . import software_license_move
from . import software_license_replace_key
from . import software_license_signing_key_add
from . import software_license_trial
