from lxml import etree

from odoo import Command
from odoo.tests import new_test_user, tagged

from .common import LicenseCommon

#: So many statements more than Odoo's own comparable view, at most.
MARGIN = 10
PAGE = 80


@tagged("post_install", "-at_install")
class TestQueryCounts(LicenseCommon):
    """What opening our views asks of the database, beside the sales order's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy = cls._create_policy(max_activations=0)
        cls.product = cls._create_licensed_product(cls.policy)
        cls.partners = cls.env["res.partner"].create(
            [{"name": f"Customer {number}"} for number in range(PAGE)]
        )
        cls.licenses = cls.env["software.license"].create(
            [cls._prepare_license(partner) for partner in cls.partners]
        )
        cls.env["software.license.activation"].create(
            [
                {"license_id": license_.id, "device_id": f"{license_.id} {number}"}
                for license_ in cls.licenses
                for number in range(3)
            ]
        )
        line = Command.create({"product_id": cls.product.id})
        cls.orders = cls.env["sale.order"].create(
            [
                {"partner_id": partner.id, "order_line": [line] * 3}
                for partner in cls.partners
            ]
        )

        # Record rules cost, too: whoever opens the views is no superuser.
        cls.user = new_test_user(
            cls.env,
            "sales manager",
            "sales_team.group_sale_manager,software_license.group_license_manager",
        )
        cls.licenses = cls.licenses.with_user(cls.user)
        cls.orders = cls.orders.with_user(cls.user)

    @classmethod
    def _prepare_license(cls, partner):
        terms = [{"date_end": f"{year}-12-31"} for year in (2097, 2098, 2099)]
        return {
            "partner_id": partner.id,
            "product_id": cls.product.id,
            "policy_id": cls.policy.id,
            "term_ids": [Command.create(vals) for vals in terms],
        }

    # === WHAT THE WEB CLIENT ASKS FOR === #

    def _get_specification(self, model, view_type):
        """Return the specification that the web client makes of a view."""
        Model = self.env[model].with_user(self.user)
        views = Model.get_views([(False, view_type)], {"toolbar": True})
        arch = etree.fromstring(views["views"][view_type]["arch"])
        fields_ = {name: it["fields"] for name, it in views["models"].items()}
        return self._specify(arch, model, fields_)

    def _specify(self, node, model, fields_):
        specification = {}
        for element in self._iter_fields(node):
            name = element.get("name")
            field = fields_[model][name]
            specification[name] = {}
            if field["type"] in ("one2many", "many2many"):
                sub = [it for it in element if it.tag in ("list", "kanban")]
                inner = {}
                for view in sub[:1]:
                    inner = self._specify(view, field["relation"], fields_)
                specification[name] = {"fields": inner, "limit": 40}
            elif field["type"] in ("many2one", "reference"):
                specification[name] = {"fields": {"display_name": {}}}
        return specification

    def _iter_fields(self, node):
        """Return the fields of a view, without those of the views in it."""
        for child in node:
            if child.tag == "field":
                yield child
            else:
                yield from self._iter_fields(child)

    # === COUNTING === #

    def _count(self, function):
        """Return how many statements a call takes, once caches are warm."""
        function()
        self.env.flush_all()
        self.env.invalidate_all()
        begin = self.env.cr.sql_log_count
        function()
        return self.env.cr.sql_log_count - begin

    def _count_list(self, records, limit=PAGE):
        specification = self._get_specification(records._name, "list")
        domain = [("id", "in", records.ids)]
        return self._count(
            lambda: records.web_search_read(domain, specification, limit=limit)
        )

    def _count_kanban(self, limit):
        specification = self._get_specification("software.license", "kanban")
        Licenses = self.licenses.browse().with_context(read_group_expand=True)
        return self._count(
            lambda: Licenses.web_read_group(
                [("id", "in", self.licenses.ids)],
                ["status"],
                ["__count"],
                auto_unfold=True,
                unfold_read_specification=specification,
                unfold_read_default_limit=limit,
            )
        )

    def _count_form(self, record):
        specification = self._get_specification(record._name, "form")
        return self._count(lambda: record.web_read(specification))

    # === THE TESTS === #

    def test_the_specification_holds_what_the_views_show(self):
        form = self._get_specification("software.license", "form")
        self.assertIn("status", form["activation_ids"]["fields"])
        self.assertIn("date_end", form["term_ids"]["fields"])
        self.assertIn("seat_usage", self._get_specification("software.license", "list"))

    def test_the_list_takes_few_statements_more_than_that_of_sales_orders(self):
        ours, theirs = self._count_list(self.licenses), self._count_list(self.orders)
        self.assertLess(ours, theirs + MARGIN)

    def test_the_form_takes_few_statements_more_than_that_of_a_sales_order(self):
        ours = self._count_form(self.licenses[0])
        self.assertLess(ours, self._count_form(self.orders[0]) + MARGIN)

    def test_so_do_all_other_lists_and_forms_of_ours(self):
        lists = self._count_list(self.orders) + MARGIN
        forms = self._count_form(self.orders[0]) + MARGIN
        for records in self._get_others():
            with self.subTest(records._name):
                self.assertTrue(records)
                self.assertLess(self._count_list(records), lists)
                self.assertLess(self._count_form(records[0]), forms)

    def _get_others(self):
        """Return records of each of our other models that have a list and a form."""
        messages = self.env["software.license.message"].sudo()
        events = self.env["software.license.event"].sudo()
        for license_ in self.licenses.sudo():
            customer = {"partner_id": license_.partner_id.id, "kind": "issued"}
            messages |= messages.create(
                {
                    **customer,
                    "company_id": license_.company_id.id,
                    "license_ids": license_.ids,
                }
            )
            events |= events.create(
                {"type": "license.issued", "license_id": license_.id}
            )
        keys = self.env["software.license.signing.key"].search(
            [("company_id", "=", self.env.company.id)]
        )
        others = [messages, events, keys, self.policy, self.licenses.activation_ids]
        return [records.sudo(False).with_user(self.user) for records in others]

    def test_no_list_takes_more_statements_with_more_rows(self):
        devices = self.licenses.activation_ids
        for records in (self.licenses, devices):
            with self.subTest(records._name):
                few = self._count_list(records, limit=2)
                self.assertLessEqual(self._count_list(records), few)

    def test_the_kanban_takes_no_more_statements_with_more_cards(self):
        self.assertLessEqual(self._count_kanban(40), self._count_kanban(2))

    def test_the_form_takes_no_more_statements_with_more_devices_and_terms(self):
        license_ = self._create_license(self.policy, product_id=self.product.id)
        license_ = license_.with_user(self.user)
        self._activate(license_, "alone")
        self.assertLessEqual(
            self._count_form(self.licenses[0]), self._count_form(license_)
        )
