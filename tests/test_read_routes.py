from odoo import http
from odoo.tests import TransactionCase, tagged


@tagged("post_install", "-at_install")
class TestReadRoutes(TransactionCase):
    """Which calls of the API a standby answers (docs/replica_and_backup.md)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        rules = http._generate_routing_rules(["software_license"], nodb_only=False)
        cls.endpoints = {
            (method, url): endpoint
            for url, endpoint in rules
            if endpoint.routing["type"] == "license_api"
            for method in endpoint.routing["methods"]
        }

    def test_every_call_says_itself_whether_it_only_reads(self):
        """Odoo takes one that says nothing, and needs no login, for one that does."""
        for call, endpoint in self.endpoints.items():
            with self.subTest(call=call):
                self.assertIn("readonly", endpoint.original_routing)

    def test_calls_that_only_read_are_those_with_get_and_verify(self):
        """A license file for a device takes a seat."""
        reads = {
            call
            for call in self.endpoints
            if call == ("POST", "/api/licenses/verify")
            or (call[0] == "GET" and not call[1].endswith("/file"))
        }
        found = {call for call, it in self.endpoints.items() if it.routing["readonly"]}
        self.assertGreater(len(reads), 6)
        self.assertEqual(found, reads)
