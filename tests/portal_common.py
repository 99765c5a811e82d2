from odoo import http
from odoo.tests import HttpCase, new_test_user

from .common import LicenseBuilders


class PortalForms:
    """Opens pages and sends forms of the portal, as one customer."""

    LOGIN = "test customer"

    def _open(self, path="", license_=None, **kwargs):
        """Open a page of a license, or another one; return the response."""
        self.authenticate(self.LOGIN, self.LOGIN)
        return self.url_open(self._get_path(path, license_), **kwargs)

    def _send(self, form, license_=None, **fields_):
        """Send a form of a license's page; return the response it leads to."""
        self.authenticate(self.LOGIN, self.LOGIN)
        data = {"csrf_token": http.Request.csrf_token(self), **fields_}
        return self.url_open(self._get_path(form, license_), data=data)

    def _count_statements(self, path=""):
        """Return how many statements a page makes, once everything is warm."""
        self._open(path)
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        self.assertEqual(self.url_open(self._get_path(path, None)).status_code, 200)
        return self.cr.sql_log_count - before

    def _get_path(self, path, license_):
        if path.startswith("/"):
            return path
        return f"/my/licenses/{(license_ or self.license).id}{path and '/'}{path}"


class PortalCommon(PortalForms, LicenseBuilders, HttpCase):
    """Base of the tests of the portal: a customer with a license of two seats."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.env["res.partner"].create(
            {"name": "Blue Heron Studio", "is_company": True}
        )
        cls.user = cls._create_portal_user(cls.LOGIN, parent_id=cls.customer.id)
        cls.policy = cls._create_policy()
        cls.license = cls._create_license(cls.policy, partner_id=cls.customer.id)

    @classmethod
    def _create_portal_user(cls, login, **contact):
        contact = cls.env["res.partner"].create({"name": login, **contact})
        return new_test_user(
            cls.env, login, "base.group_portal", partner_id=contact.id, tz="UTC"
        )

    def _device(self, device_id="laptop", license_=None, **kwargs):
        """Let a device take a seat; return its record."""
        license_ = license_ or self.license
        self._activate(license_, device_id, **kwargs)
        return license_.activation_ids.filtered(lambda it: it.device_id == device_id)
