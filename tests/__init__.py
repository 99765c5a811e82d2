from importlib.util import find_spec

from odoo.modules.module import Manifest

from . import test_access_routes
from . import test_access_table
from . import test_bad_requests
from . import test_billing_tours
from . import test_boundary
from . import test_bulk
from . import test_certificate
from . import test_clock_jump
from . import test_demo
from . import test_device_rules
from . import test_email_html
from . import test_enterprise_subscription
from . import test_features
from . import test_features_browser
from . import test_floating
from . import test_events
from . import test_invoice_document
from . import test_invoice_issues_license
from . import test_ledger
from . import test_health
from . import test_import
from . import test_license_file
from . import test_license_keeps_working
from . import test_license_key
from . import test_license_lifecycle
from . import test_license_lists
from . import test_license_report
from . import test_licensing_api
from . import test_move
from . import test_onboarding
from . import test_openapi
from . import test_order_before_payment
from . import test_order_renewal
from . import test_managed_api
from . import test_messages
from . import test_past_choice
from . import test_past_invoices
from . import test_payload
from . import test_payment_follows
from . import test_payment_table
from . import test_payment_ways
from . import test_policy
from . import test_portal
from . import test_portal_billing
from . import test_portal_devices
from . import test_portal_tour
from . import test_prepared
from . import test_public_api
from . import test_query_counts
from . import test_read_routes
from . import test_seat_rivals
from . import test_seats
from . import test_signing
from . import test_signing_keys
from . import test_security
from . import test_throttle
from . import test_tokens
from . import test_translations
from . import test_verdict
from . import test_views
from . import test_webhooks
from . import test_wizard_tours
from . import test_wizards

if Manifest.for_addon("contract", display_warning=False):
    from . import test_subscription_contract
if Manifest.for_addon("subscription_oca", display_warning=False):
    from . import test_subscription_bulk
    from . import test_subscription_buttons
    from . import test_subscription_move
    from . import test_subscription_oca

    if find_spec("hypothesis"):
        from . import test_subscription_story
