from odoo import Command, http
from odoo.tests import new_test_user, tagged

from .common import LicenseHttpCommon

ACCOUNTS = {
    "portal": "base.group_portal",
    "internal": "base.group_user",
    "accountant": "account.group_account_invoice",
    "user": "software_license.group_license_user",
    "manager": "software_license.group_license_manager",
}
#: Routes below a license's page: the method, and what its customer is answered.
ROUTES = {
    ("GET", ""): 200,
    ("GET", "/certificate"): 200,
    ("GET", "/file"): 303,  # to the page: it is a form's address
    ("POST", "/file"): 200,  # the page again, with what is wrong
    ("POST", "/replace-key"): 303,
    ("POST", "/devices/{device}/rename"): 303,
    ("POST", "/devices/{device}/free"): 303,
}


@tagged("post_install", "-at_install")
class TestAccessRoutes(LicenseHttpCommon):
    """Every kind of account, with every route of the portal."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for name, group in ACCOUNTS.items():
            new_test_user(cls.env, f"test-{name}", group, password=f"test-{name}")
        policy = cls._create_policy(customers_replace_keys=True)
        users = cls.env["res.users"].search([("login", "=", "test-portal")])
        cls.own = cls._create_license(policy, partner_id=users.partner_id.id)
        cls.others = cls._create_license(policy)
        for license_ in cls.own | cls.others:
            license_.activation_ids = [Command.create({"device_id": "laptop"})]

    def _get_statuses(self, license_, method, path):
        """Return {account: status} of a route."""
        path = path.format(device=license_.activation_ids.id)
        statuses = {}
        for account in ("anonymous", *ACCOUNTS):
            login = f"test-{account}" if account in ACCOUNTS else None
            self.authenticate(login, login)
            data = {"csrf_token": http.Request.csrf_token(self)}
            response = self.url_open(
                f"{license_._get_portal_path()}{path}",
                data=data if method == "POST" else None,
                allow_redirects=False,
            )
            statuses[account] = response.status_code
        return statuses

    def _expect(self, of_customer):
        """Return the row of the table: 404 tells others nothing."""
        others = dict.fromkeys(ACCOUNTS, 404)
        return {**others, "anonymous": 303, "portal": of_customer}

    def test_a_customer_has_every_route_of_an_own_license_and_others_have_none(self):
        for (method, path), status in ROUTES.items():
            with self.subTest(method=method, path=path):
                self.assertEqual(
                    self._get_statuses(self.own, method, path), self._expect(status)
                )

    def test_nobody_has_a_route_of_another_customers_license(self):
        for method, path in ROUTES:
            with self.subTest(method=method, path=path):
                self.assertEqual(
                    self._get_statuses(self.others, method, path), self._expect(404)
                )
        device = self.others.activation_ids
        self.assertTrue(device.active)
        self.assertFalse(self.others.message_ids.filtered("body"))
