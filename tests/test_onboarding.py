from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import LicenseCommon


@tagged("post_install", "-at_install")
class TestOnboarding(LicenseCommon):
    """The panel with the way to the first license, in a new company."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env["res.company"].create({"name": "Beginners"})
        # What all companies share would be done already.
        shared = [("company_id", "=", False)]
        cls.env["software.license.policy"].search(shared).active = False
        cls.env["product.template"].search(shared).active = False
        groups = "sales_team.group_sale_manager,product.group_product_manager"
        manager = f"software_license.group_license_manager,{groups}"
        cls.manager = cls._create_user("chief", manager)
        cls.user = cls._create_user("clerk", "software_license.group_license_user")
        cls.env = cls.env(user=cls.manager)
        cls.panel = cls.env["software.license.onboarding"]

    @classmethod
    def _create_user(cls, login, groups):
        companies = {"company_id": cls.company.id, "company_ids": cls.company.ids}
        return new_test_user(cls.env, login, groups, **companies)

    def _get_done(self):
        return [step["name"] for step in self.panel.get_steps() if step["is_done"]]

    def _create_own_policy(self):
        return self._create_policy(company_id=self.company.id)

    def test_each_step_is_done_by_its_result(self):
        self.assertEqual(self._get_done(), [])
        policy = self._create_own_policy()
        self.assertEqual(self._get_done(), ["policy"])
        self._create_licensed_product(policy, company_id=self.company.id)
        self.assertEqual(self._get_done(), ["policy", "product"])
        self._create_license(policy)
        self.assertEqual(self._get_done(), ["policy", "product", "license"])

    def test_the_panel_goes_when_all_is_done(self):
        policy = self._create_own_policy()
        self._create_licensed_product(policy, company_id=self.company.id)
        self.assertTrue(self.panel.get_steps())
        self._activate(self._create_license(policy), "first-device")
        self.assertEqual(self.panel.get_steps(), [])

    def test_the_panel_goes_when_a_manager_closes_it(self):
        self.panel.close()
        self.assertEqual(self.panel.get_steps(), [])

    def test_the_panel_is_for_managers(self):
        panel = self.panel.with_user(self.user)
        self.assertEqual(panel.get_steps(), [])
        with self.assertRaises(AccessError):
            panel.close()

    def test_every_step_leads_to_something_that_is_there(self):
        for step in self.panel.get_steps():
            action = step["action"]
            with self.subTest(step=step["name"]):
                if isinstance(action, str):
                    self.assertIn(self.env.ref(action).sudo().res_model, self.env)
                elif "url" in action:
                    self.assertEqual(action["url"], "/api/licenses/docs")
                else:
                    self.assertIn(action["res_model"], self.env)
