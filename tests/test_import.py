from datetime import date

from odoo.tests import new_test_user, tagged
from odoo.tools import file_open

from .common import LicenseCommon

OPTIONS = {
    "has_headers": True,
    "quoting": '"',
    "separator": ",",
    "encoding": "utf-8",
    "float_thousand_separator": ",",
    "float_decimal_separator": ".",
}
FIELDS = ("partner_id", "policy_id", "license_key", "date_end", "max_activations")


@tagged("post_install", "-at_install")
class TestImport(LicenseCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(name="Imported", validity_unit="month")
        cls.customer = cls.env["res.partner"].create(
            {"name": "Import Customer", "email": "import@example.com"}
        )
        cls.user = new_test_user(
            cls.env, "importer", "software_license.group_license_user"
        )

    def _import(self, text, fields=FIELDS, dryrun=False, **options):
        """Import a CSV file as the screen does; return (result, new licenses)."""
        if isinstance(text, list):
            text = "\n".join([",".join(fields), *text])
        wizard = (
            self.env["base_import.import"]
            .with_user(self.user)
            .create(
                {
                    "res_model": "software.license",
                    "file": text.encode(),
                    "file_type": "text/csv",
                }
            )
        )
        known = self._all()
        result = wizard.execute_import(
            list(fields), list(fields), {**OPTIONS, **options}, dryrun=dryrun
        )
        self.env.invalidate_all()
        return result, (self._all() - known).sorted("id")

    def _all(self):
        return self.env["software.license"].search([])

    def _errors(self, text, fields=FIELDS):
        """Import a bad file; return [(row, message)], after nothing was written."""
        result, licenses = self._import(text, fields)
        self.assertFalse(licenses)
        self.assertFalse(result.get("ids"))
        return [
            (message.get("rows", {}).get("from"), message["message"])
            for message in result["messages"]
        ]

    def _row(self, key, end="2027-12-31", limit="5", customer="Import Customer"):
        return f"{customer},Imported,{key},{end},{limit}"

    def test_a_good_file_makes_licenses_that_end_with_their_last_day(self):
        result, licenses = self._import(
            [self._row("OLD-0000-0001"), self._row("old0000-0002", "", "")]
        )
        self.assertEqual(result["messages"], [])
        self.assertEqual(
            licenses.mapped("license_key"), ["OLD-0000-0001", "old0000-0002"]
        )
        self.assertEqual(licenses.partner_id, self.customer)
        self.assertEqual(licenses.mapped("date_end"), [date(2027, 12, 31), False])
        self.assertEqual(str(licenses[0].expires_at), "2028-01-01 00:00:00")
        self.assertEqual(licenses.mapped("seat_limit"), [5, 2])
        self.assertEqual(licenses.term_ids.mapped("source"), ["manual"] * 2)
        self.assertEqual(len(licenses.term_ids), 2)

    def test_the_last_day_is_the_same_wherever_the_importer_is(self):
        for zone in ("Pacific/Auckland", "America/Los_Angeles"):
            self.user.tz = zone
            _result, license_ = self._import([self._row(f"ZONE-{zone}")])
            with self.subTest(zone):
                self.assertEqual(str(license_.expires_at), "2028-01-01 00:00:00")

    def test_without_the_column_the_policy_says_how_long(self):
        fields = ["partner_id", "policy_id"]
        _result, license_ = self._import(["Import Customer,Imported"], fields)
        self.assertTrue(license_.expires_at)
        self.assertTrue(license_.license_key.startswith("ACME-"))

    def test_a_customer_may_be_named_by_email_and_a_policy_by_its_product(self):
        product = self._create_licensed_product(self.policy, name="Imported Editor")
        fields = ["partner_id", "product_id", "license_key"]
        result, license_ = self._import(
            ["import@example.com,Imported Editor,MAIL-0000"], fields
        )
        self.assertEqual(result["messages"], [])
        self.assertEqual(license_.partner_id, self.customer)
        self.assertEqual(license_.product_id, product)
        self.assertEqual(license_.policy_id, self.policy)

    def test_states_features_and_devices_come_along(self):
        fields = [
            "partner_id",
            "policy_id",
            "license_key",
            "state",
            "features_text",
            "activation_ids/device_id",
            "activation_ids/device_name",
        ]
        rows = [
            'Import Customer,Imported,FULL-0000,Suspended,"{""seats"": 3}",d1,Desk',
            ",,,,,d2,Shop",
            "Import Customer,Imported,FULL-0001,,,,",
        ]
        result, licenses = self._import(rows, fields)
        self.assertEqual(result["messages"], [])
        self.assertEqual(licenses.mapped("state"), ["suspended", "active"])
        self.assertEqual(licenses[0].features, {"seats": 3})
        self.assertEqual(
            set(licenses[0].activation_ids.mapped("device_id")), {"d1", "d2"}
        )

    def test_each_error_names_its_field_and_row_and_nothing_is_written(self):
        self._create_license(license_key="TAKEN-0000")
        good = self._row("GOOD-0000")
        long_key = "K" * 256
        for row, field in (
            (self._row("good-oooo"), "License Key.*exists already"),
            (self._row("taken-0000"), "License Key.*exists already"),
            (self._row("SHORT"), "License Key.*8 characters"),
            (self._row(long_key), "License Key.*255 characters"),
            (self._row("TAB\tTAB-0000"), "License Key.*control"),
            (self._row("BAD-0000", limit="-2"), "device limit"),
            (self._row("BAD-0000", limit="five"), "Own Device Limit"),
            (self._row("BAD-0000", customer="Unknown Ltd."), "Customer"),
            (self._row("BAD-0000", customer=""), "Customer"),
            (self._row("BAD-0000").replace("Imported", "Imporded"), "Policy"),
            (self._row("BAD-0000").replace("Imported", ""), "policy"),
        ):
            with self.subTest(row):
                errors = self._errors([good, row])
                self.assertEqual({number for number, _text in errors}, {1})
                self.assertRegex(
                    " ".join(text for number, text in errors if number == 1), field
                )

    def test_a_bad_date_names_its_column_and_line(self):
        ((_row, text),) = self._errors(
            [self._row("GOOD-0000"), self._row("BAD-0000", "2027-02-30")]
        )
        self.assertRegex(text, "date_end.* line 2")

    def test_a_state_that_does_not_exist_names_field_and_row(self):
        fields = [*FIELDS, "state"]
        errors = self._errors(
            [self._row("GOOD-0000") + ",Active", self._row("BAD-0000") + ",expired"],
            fields,
        )
        self.assertEqual(errors[0][0], 1)
        self.assertRegex(errors[0][1], "expired.*State")

    def test_more_devices_than_seats_are_refused(self):
        fields = ["partner_id", "policy_id", "license_key", "activation_ids/device_id"]
        rows = ["Import Customer,Imported,FULL-0000,d1", ",,,d2", ",,,d3"]
        errors = self._errors(rows, fields)
        self.assertRegex(errors[-1][1], "seats of this license are taken")

    def test_the_test_button_writes_nothing(self):
        result, licenses = self._import([self._row("DRY-0000")], dryrun=True)
        self.assertEqual(result["messages"], [])
        self.assertFalse(licenses)

    def test_the_same_file_again_updates_and_adds_nothing(self):
        fields = ["id", *FIELDS, "activation_ids/device_id"]
        rows = [f"old_1,{self._row('AGAIN-0000')},d1", ",,,,,,d2"]
        _result, license_ = self._import(rows, fields)
        for _time in range(2):
            result, added = self._import(rows, fields)
            self.assertEqual((result["messages"], added.ids), ([], []))
        self.assertEqual(len(license_.term_ids), 1)
        self.assertEqual(len(license_.activation_ids), 2)
        later = [rows[0].replace("2027", "2028")]
        self._import(later, fields)
        self.assertEqual(license_.date_end, date(2028, 12, 31))
        self.assertEqual(len(license_.term_ids), 2)

    def test_an_empty_cell_does_not_make_what_was_paid_last_forever(self):
        fields = ["id", *FIELDS]
        row = f"old_1,{self._row('PAID-0000')}"
        _result, license_ = self._import([row], fields)
        license_.sudo().billing_identity = "invoice line,1"
        end = license_.date_end
        result, _added = self._import([row.replace("2027-12-31", "")], fields)
        self.assertEqual(result["messages"], [])
        self.assertEqual(license_.date_end, end)

    def test_only_a_manager_brings_revoked_licenses(self):
        row = self._row("GONE-0000") + ",revoked"
        errors = self._errors([row], [*FIELDS, "state"])
        self.assertIn("Only a license manager", errors[0][1])

    def test_another_key_for_a_license_that_is_there_is_refused(self):
        fields = ["id", *FIELDS]
        self._import([f"old_1,{self._row('FIXED-0000')}"], fields)
        errors = self._errors([f"old_1,{self._row('OTHER-0000')}"], fields)
        self.assertIn("license_key", errors[0][1])
        result, _new = self._import([f"old_1,{self._row('')}"], fields)
        self.assertEqual(result["messages"], [])

    def test_a_thousand_rows_take_few_statements_each(self):
        counts = []
        for first, last in ((0, 10), (10, 1010)):
            rows = [self._row(f"BULK-{number:06}") for number in range(first, last)]
            before = self.env.cr.sql_log_count
            result, licenses = self._import(rows)
            counts.append(self.env.cr.sql_log_count - before)
            self.assertEqual(result["messages"], [])
            self.assertEqual(len(licenses), last - first)
        self.assertLess((counts[1] - counts[0]) / 990, 4)

    # === THE SCREEN === #

    def _preview(self, text):
        wizard = self.env["base_import.import"].create(
            {
                "res_model": "software.license",
                "file": text.encode(),
                "file_type": "text/csv",
            }
        )
        return wizard.parse_preview({**OPTIONS, "advanced": True})

    def test_the_template_is_offered_and_maps_to_fields_by_itself(self):
        (template,) = self.env["software.license"].get_import_templates()
        path = template["template"].removeprefix("/")
        with file_open(path) as file:
            text = file.read()
        preview = self._preview(text)
        mapped = [preview["matches"][n] for n in range(len(preview["headers"]))]
        fields = ["/".join(path) for path in mapped]
        self.assertEqual(len(set(fields)), len(preview["headers"]))
        self.env["res.partner"].create({"name": "Example Ltd."})
        result, licenses = self._import(text, fields)
        self.assertEqual(result["messages"], [])
        self.assertEqual(len(licenses), 2)
        self.assertEqual(licenses.mapped("state"), ["active", "suspended"])

    def test_only_what_a_person_writes_is_offered(self):
        tree = self.env["base_import.import"].get_fields_tree("software.license")
        offered = {field["id"]: field for field in tree}
        self.assertLessEqual({*FIELDS, "id", "state", "product_id"}, set(offered))
        for name in ("expires_at", "term_ids", "quantity", "billing_identity"):
            self.assertNotIn(name, offered)
        devices = {field["id"] for field in offered["activation_ids"]["fields"]}
        self.assertIn("device_id", devices)
        self.assertNotIn("last_seen", devices)

    def test_a_column_named_as_the_moment_is_not_taken_for_it(self):
        preview = self._preview("Customer,Expires At\nA,2027-12-31\n")
        fields = [path[0] for path in preview["matches"].values()]
        self.assertNotIn("expires_at", fields)
