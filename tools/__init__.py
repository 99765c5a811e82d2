"""Pure Python: every rule that needs no database. Imports nothing of Odoo."""

from . import entitlement
from . import errors
from . import instance
from . import ledger
from . import license_key
from . import openapi
from . import payload
from . import period
from . import strict_json
from . import throttle
from . import timestamp
from . import verdict
from . import webhook
