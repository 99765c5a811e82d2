# First: other models inherit it.
from . import features_mixin

from . import account_move
from . import account_move_line
from . import account_move_line_credit
from . import ir_http
from . import ir_model
from . import product_product
from . import product_template
from . import res_config_settings
from . import res_partner
from . import sale_order
from . import software_license
from . import software_license_activation
from . import software_license_api
from . import software_license_billing
from . import software_license_ledger
from . import software_license_policy
from . import software_license_seat
from . import software_license_status
from . import software_license_term
from . import subscription_adapter
from . import subscription_contract
from . import subscription_enterprise
from . import subscription_oca
