import re
from ast import literal_eval
from unittest.mock import patch

from lxml import etree

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from ..models.software_license_dashboard import TILES
from ..models.software_license_status import STATUSES
from .common import LicenseCommon


class LicenseListCommon(LicenseCommon):
    """A license of every kind that somebody looks for in a list."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy()
        cls.kinds = {
            kind: cls._create_license(cls.policy, expires_at="2099-01-01")
            for kind in (
                "used",
                "never_activated",
                "silent",
                "over_limit",
                "suspended",
                "revoked",
                "expired",
                "long_expired",
                "expiring",
                "trial",
                "payment_reversed",
                "archived_customer",
            )
        }
        cls._move_end("expired", days=3)
        cls._move_end("long_expired", days=50)
        cls._move_end("expiring", days=-12)
        cls.kinds["suspended"].action_suspend()
        cls.kinds["revoked"].action_revoke()
        cls.kinds["archived_customer"].partner_id.active = False
        cls.kinds["trial"].sudo().term_ids.source = "trial"
        cls._reverse_payment(cls.kinds["payment_reversed"])
        for kind in set(cls.kinds) - {"never_activated"}:
            cls._add_devices(kind, 1)
        cls._add_devices("over_limit", 2)
        for kind in ("silent", "expired"):
            cls.kinds[kind].sudo().activation_ids.last_seen = cls._ago(days=31)
        cls.licenses = cls.env["software.license"].union(*cls.kinds.values())
        cls.env.flush_all()

    @staticmethod
    def _ago(**delta):
        return fields.Datetime.subtract(fields.Datetime.now(), **delta)

    @classmethod
    def _move_end(cls, kind, **delta):
        cls.kinds[kind].expires_at = cls._ago(**delta)

    @classmethod
    def _reverse_payment(cls, license_):
        """Leave nothing in the ledger but an invoice's term that does not count."""
        license_.term_ids.sudo().write({"source": "invoice"})
        license_.term_ids.sudo()._recompute_effective()

    @classmethod
    def _add_devices(cls, kind, count):
        """Put devices on record, whatever the limit."""
        license_ = cls.kinds[kind]
        own, license_.max_activations = license_.max_activations, -1
        license_.sudo().activation_ids.create(
            [
                {"license_id": license_.id, "device_id": f"{kind} {count} {number}"}
                for number in range(count)
            ]
        )
        license_.max_activations = own

    def _search(self, domain):
        found = self.env["software.license"].search(domain)
        return {kind for kind, license_ in self.kinds.items() if license_ in found}


@tagged("post_install", "-at_install")
class TestLicenseLists(LicenseListCommon):
    def test_grouping_by_status_agrees_with_the_status_shown(self):
        groups = self.env["software.license"]._read_group(
            [("id", "in", self.licenses.ids)], ["status"], ["id:recordset"]
        )
        shown = self.licenses.grouped("status")
        self.assertEqual(
            {status: set(found.ids) for status, found in groups},
            {status: set(found.ids) for status, found in shown.items()},
        )
        self.assertEqual(set(shown), set(dict(STATUSES)))

    def test_every_group_of_the_kanban_finds_as_many_as_it_counts(self):
        Licenses = self.env["software.license"].with_context(read_group_expand=True)
        within = [("id", "in", self.licenses.ids)]
        read = Licenses.web_read_group(within, ["status"], ["__count"])
        self.assertEqual(
            [group["status"] for group in read["groups"]], list(dict(STATUSES))
        )
        for group in read["groups"]:
            found = Licenses.search_count(within + group["__extra_domain"])
            self.assertEqual(group["__count"], found, group["status"])

    def test_an_empty_status_has_its_column_in_the_kanban(self):
        Licenses = self.env["software.license"].with_context(read_group_expand=True)
        of_one = [("id", "=", self.kinds["used"].id)]
        read = Licenses.web_read_group(of_one, ["status"], ["__count"])
        self.assertEqual([it["__count"] for it in read["groups"]], [1, 0, 0, 0])

    def test_status_is_grouped_by_one_statement_after_the_graces_were_read(self):
        self.env["software.license"].search([], limit=1)
        with self.assertQueryCount(2):
            self.env["software.license"]._read_group([], ["status"], ["__count"])

    def test_the_status_has_no_column_of_its_own(self):
        self.assertFalse(self.env["software.license"]._fields["status"].store)
        attributes = ["groupable", "store"]
        described = self.env["software.license"].fields_get(["status"], attributes)
        self.assertEqual(described["status"], {"groupable": True, "store": False})

    def test_over_limit_is_found_as_it_is_shown(self):
        policy = self._create_policy(max_activations=1)
        for own, quantity in ((0, 1), (0, 2.9), (0, 0.3), (3, 1), (-1, 1), (2, 9)):
            license_ = self._create_license(policy, max_activations=own)
            license_.sudo().term_ids.quantity = quantity
            self.kinds[f"{own} of {quantity}"] = license_
            self._add_devices(f"{own} of {quantity}", 3)
        self.env.flush_all()
        shown = {kind for kind, it in self.kinds.items() if it.is_over_limit}
        self.assertEqual(
            shown, {"over_limit", "0 of 1", "0 of 2.9", "0 of 0.3", "2 of 9"}
        )
        self.assertEqual(self._search([("is_over_limit", "=", True)]), shown)
        rest = set(self.kinds) - shown
        self.assertEqual(self._search([("is_over_limit", "=", False)]), rest)
        self.assertEqual(
            self._search([("is_over_limit", "in", [True, False])]), set(self.kinds)
        )

    def test_seats_that_lapsed_or_are_no_device_put_nothing_over_its_limit(self):
        floating = self._create_policy(max_activations=1, lease_minutes=10)
        self.kinds["lapsed"] = self._create_license(floating)
        self.kinds["instances"] = self._create_license(floating, max_activations=1)
        self._add_devices("lapsed", 3)
        self._add_devices("instances", 3)
        lapsed = self.kinds["lapsed"].sudo().activation_ids
        lapsed[1:].last_seen = self._ago(minutes=10)
        self.kinds["instances"].sudo().activation_ids.kind = "instance"
        self.env.flush_all()
        self.assertEqual(self._search([("is_over_limit", "=", True)]), {"over_limit"})

    def test_the_last_check_in_is_that_of_the_latest_device_freed_or_not(self):
        license_ = self.kinds["used"]
        self.assertFalse(self.kinds["never_activated"].last_seen)
        devices = license_.activation_ids
        devices.sudo().last_seen = "2020-01-01"
        self.assertEqual(license_.last_seen, devices.last_seen)
        devices.action_free()
        self.env.invalidate_all()
        self.assertTrue(license_.last_seen)
        day = [("last_seen", "<=", "2020-01-01"), ("id", "=", license_.id)]
        self.assertEqual(self._search(day), {"used"})
        self.assertFalse(self._search([("last_seen", "<", "2020-01-01"), day[1]]))
        self.assertFalse(self._search([("last_seen", ">", "2020-01-01"), day[1]]))
        self.assertTrue(self._search([("last_seen", "!=", False), day[1]]))

    def test_every_saved_filter_finds_what_its_name_says(self):
        active = {"used", "never_activated", "silent", "over_limit", "expiring"}
        expected = {
            "status_active": active | {"trial"},
            "status_expired": {"expired", "long_expired"},
            "status_suspended": {"suspended", "payment_reversed", "archived_customer"},
            "status_revoked": {"revoked"},
            "expiring": {"expiring"},
            "recently_expired": {"expired"},
            "trial": {"trial"},
            "payment_reversed": {"payment_reversed"},
            "over_limit": {"over_limit"},
            "never_activated": {"never_activated"},
            "silent": {"silent"},
        }
        filters = self.env["software.license"]._get_saved_filters()
        for name, kinds in expected.items():
            with self.subTest(name):
                domain = literal_eval(filters[name].get("domain"))
                self.assertEqual(self._search(domain), kinds)

    def test_my_customers_are_those_whose_salesperson_i_am(self):
        self.kinds["used"].partner_id.user_id = self.env.user
        domain = self.env["software.license"]._get_saved_filters()["my_customers"]
        domain = domain.get("domain").replace("uid", str(self.env.uid))
        self.assertEqual(self._search(literal_eval(domain)), {"used"})

    def test_keys_of_several_licenses_are_sent_at_once_or_none_is(self):
        licenses = self.kinds["used"] | self.kinds["silent"]
        licenses[0].partner_id.email = "one@example.com"
        with self.assertRaisesRegex(UserError, "Customer has no e-mail address"):
            licenses.action_send_key()
        self.assertFalse(licenses.mapped("message_count")[0])
        licenses[1].partner_id.email = "two@example.com"
        note = licenses.action_send_key()
        self.env.invalidate_all()
        self.assertEqual(licenses.mapped("message_count"), [1, 1])
        for email in ("one@example.com", "two@example.com"):
            self.assertIn(email, note["params"]["message"])
        name = re.escape(self.kinds["revoked"]._get_masked_names())
        with self.assertRaisesRegex(UserError, name):
            (licenses | self.kinds["revoked"]).action_send_key()

    def test_several_licenses_are_suspended_and_reinstated_by_the_lists_buttons(self):
        view = self.env["software.license"].get_view(view_type="list")
        buttons = etree.fromstring(view["arch"]).xpath("//header/button/@name")
        for name in ("action_suspend", "action_reinstate", "action_send_key"):
            self.assertIn(name, buttons)
        licenses = self.kinds["used"] | self.kinds["silent"]
        licenses.action_suspend()
        self.assertEqual(set(licenses.mapped("status")), {"suspended"})
        licenses.action_reinstate()
        self.assertEqual(set(licenses.mapped("status")), {"active"})

    def test_who_only_reads_is_offered_no_mass_action(self):
        reader = new_test_user(self.env, "reader", "account.group_account_readonly")
        Licenses = self.env["software.license"].with_user(reader)
        for view_type in ("list", "form"):
            arch = etree.fromstring(Licenses.get_view(view_type=view_type)["arch"])
            self.assertFalse(arch.xpath("//header/button"), view_type)

    def test_nothing_is_dragged_in_the_kanban_and_the_calendar(self):
        Licenses = self.env["software.license"]
        kanban = etree.fromstring(Licenses.get_view(view_type="kanban")["arch"])
        for name in ("records_draggable", "groups_draggable", "group_create"):
            self.assertEqual(kanban.get(name), "0")
        calendar = etree.fromstring(Licenses.get_view(view_type="calendar")["arch"])
        self.assertEqual(calendar.get("edit"), "0")


@tagged("post_install", "-at_install")
class TestDashboard(LicenseListCommon):
    def _get_tiles(self, user=None):
        Licenses = self.env["software.license"].with_user(user or self.env.user)
        return {it["filter"]: it for it in Licenses.get_dashboard()["tiles"]}

    def test_every_tile_counts_what_its_filter_lists(self):
        tiles = self._get_tiles()
        self.assertEqual(list(tiles), list(TILES))
        filters = self.env["software.license"]._get_saved_filters()
        action = self.env.ref("software_license.software_license_action")
        self.assertFalse(literal_eval(action.context))  # no other filter is set
        for name, tile in tiles.items():
            domain = literal_eval(filters[name].get("domain"))
            listed = self.env["software.license"].web_search_read(domain, {}, 0, 1)
            with self.subTest(name):
                self.assertEqual(tile["count"], listed["length"])
                self.assertTrue(tile["count"])
                self.assertTrue(tile["label"])

    def test_what_nobody_waits_for_is_not_counted_to_the_end(self):
        few = "odoo.addons.software_license.models.software_license_dashboard.MOST"
        with patch(few, 2):
            tile = self._get_tiles()["status_active"]
        self.assertEqual((tile["count"], tile["has_more"]), (2, True))
        self.assertFalse(self._get_tiles()["status_active"]["has_more"])

    def test_a_filter_that_somebody_changed_changes_its_tile(self):
        self.env["ir.ui.view"].create(
            {
                "name": "ours",
                "model": "software.license",
                "inherit_id": self.env.ref(
                    "software_license.software_license_view_search"
                ).id,
                "arch": """<data>
                    <filter name="trial" position="replace"/>
                    <filter name="silent" position="attributes">
                        <attribute name="string">Quiet</attribute>
                        <attribute name="domain">[('id', '=', 0)]</attribute>
                    </filter>
                </data>""",
            }
        )
        tiles = self._get_tiles()
        self.assertNotIn("trial", tiles)
        self.assertEqual(tiles["silent"]["label"], "Quiet")
        self.assertEqual(tiles["silent"]["count"], 0)

    def test_another_companys_licenses_are_not_in_its_figures(self):
        other = self.env["res.company"].create({"name": "Other"})
        user = new_test_user(
            self.env,
            "other",
            "software_license.group_license_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(any(it["count"] for it in self._get_tiles(user).values()))
        data = self.env["software.license"].with_user(user).get_dashboard()
        self.assertFalse(data["latest"])
        chart = self.env["software.license.report"].with_user(user).get_chart()
        self.assertFalse(sum(sum(it["counts"]) for it in chart["series"]))
        self.env["software.license"].sudo().create(
            {
                "policy_id": self.env.ref("software_license.policy_default").id,
                "partner_id": self.kinds["used"].partner_id.id,
                "company_id": other.id,
            }
        )
        self.assertEqual(self._get_tiles(user)["status_active"]["count"], 1)

    def test_a_filter_that_only_a_browser_can_work_out_is_no_tile(self):
        self.env["ir.ui.view"].create(
            {
                "name": "another end",
                "model": "software.license",
                "inherit_id": self.env.ref(
                    "software_license.software_license_view_search"
                ).id,
                "arch": """<filter name="expiring" position="attributes">
                    <attribute name="domain">[('expires_at', '&gt;=', context_today())]
                    </attribute></filter>""",
            }
        )
        tiles = self._get_tiles(self.env.user)
        self.assertNotIn("expiring", tiles)
        self.assertIn("over_limit", tiles)

    def test_who_may_not_read_the_report_or_licenses_gets_no_figure(self):
        for group in ("base.group_user", "base.group_portal"):
            user = new_test_user(self.env, group, group)
            with self.subTest(group), self.assertRaises(AccessError):
                self._get_tiles(user)
        for group in (
            "account.group_account_readonly",
            "account.group_account_invoice",
        ):
            user = new_test_user(self.env, group, group)
            self.assertTrue(self._get_tiles(user)["over_limit"]["count"])

    def test_it_takes_a_few_statements_however_many_licenses_there_are(self):
        Licenses = self.env["software.license"]
        Licenses.get_dashboard()
        before = self._count_statements(Licenses.get_dashboard)
        self.assertLessEqual(before, 36)
        self.licenses.copy({"license_key": "/"})
        self.assertEqual(self._count_statements(Licenses.get_dashboard), before)

    def _count_statements(self, function):
        self.env.flush_all()
        self.env.invalidate_all()
        begin = self.env.cr.sql_log_count
        function()
        return self.env.cr.sql_log_count - begin
