from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.tests import BaseCase, new_test_user, tagged

from ..tools.address import is_public, mask_keys
from .common import LicenseManagedCommon

#: What the document of the licenses API names, and of which type it is.
DOCUMENTED = {
    "id": str,
    "licenseKey": str,
    "customerId": str,
    "productId": str,
    "status": str,
    "maxActivations": int,
    "currentActivations": int,
    "features": dict,
    "expiresAt": str,
    "createdAt": str,
}


@tagged("post_install", "-at_install")
class TestManagedApi(LicenseManagedCommon):
    def assertError(self, response, status, error, message=""):
        answer = response.json()
        self.assertEqual((response.status_code, answer["error"]), (status, error))
        self.assertIn(message, answer["message"])

    # === CREATE === #

    def test_a_license_is_issued_with_what_was_sent(self):
        response = self._issue(
            maxActivations=5,
            features={"max_users": 50},
            expiresAt="2127-01-15T00:00:00Z",
        )
        self.assertEqual(response.status_code, 201)
        answer = response.json()
        for name, type_ in DOCUMENTED.items():
            self.assertIsInstance(answer[name], type_, name)
        self.assertEqual(answer["customerId"], str(self.customer.id))
        self.assertEqual(answer["maxActivations"], 5)
        self.assertEqual(answer["currentActivations"], 0)
        self.assertEqual(answer["features"], {"export": True, "max_users": 50})
        self.assertEqual(answer["expiresAt"], "2127-01-15T00:00:00Z")
        self.assertEqual(answer["status"], "active")
        verified = self._post("verify", {"licenseKey": answer["licenseKey"]}).json()
        self.assertTrue(verified["valid"])

    def test_what_is_left_out_is_as_the_policy_says(self):
        answer = self._issue().json()
        self.assertEqual(answer["maxActivations"], 2)
        self.assertEqual(answer["features"], {"export": True})
        year = fields.Datetime.now() + timedelta(days=365)
        self.assertEqual(answer["expiresAt"][:4], str(year.year))

    def test_a_product_without_a_policy_gets_the_default_one(self):
        self.product.license_policy_id = False
        answer = self._issue().json()
        self.assertIsNone(answer["maxActivations"])
        self.assertIsNone(answer["expiresAt"])

    def test_a_key_made_elsewhere_is_taken_once(self):
        key = "RUSTBILL-1234-5678-9ABC"
        self.assertEqual(self._issue(licenseKey=key).json()["licenseKey"], key)
        self.assertError(self._issue(licenseKey=key.lower()), 409, "license_key_exists")

    def test_a_trial_is_given_once(self):
        answer = self._issue(trial=True).json()
        self.assertEqual(answer["trialEndsAt"], answer["expiresAt"])
        self.assertError(self._issue(trial=True), 409, "trial_used")

    def test_bad_fields_are_refused_by_name_and_nothing_is_issued(self):
        before = self.env["software.license"].search_count([])
        for name, value in (
            ("customerId", "999999999"),
            ("customerId", None),
            ("customerId", 7),
            ("customerId", "x"),
            ("productId", "999999999"),
            ("policyId", "999999999"),
            ("maxActivations", -1),
            ("maxActivations", 0),
            ("maxActivations", "5"),
            ("maxActivations", True),
            ("maxActivations", 2**31),
            ("features", []),
            ("features", {"a": "\x00"}),
            ("features", {"a": "\ud800"}),
            ("expiresAt", "soon"),
            ("expiresAt", "0001-01-01T00:00:00+14:00"),
            ("expiresAt", "9999-12-31T23:59:59Z"),
            ("licenseKey", "short"),
            ("licenseKey", "with/a/slash/in/it"),
            ("licenseKey", "validate"),
            ("trial", "yes"),
        ):
            with self.subTest(name=name, value=value):
                self.assertError(
                    self._issue(**{name: value}), 400, "invalid_request", name
                )
        self.assertEqual(self.env["software.license"].search_count([]), before)

    def test_the_same_idempotency_key_issues_once(self):
        body = {
            "customerId": str(self.customer.id),
            "productId": str(self.product.id),
        }
        before = self.env["software.license"].search_count([])
        first = self._manage("POST", body=body, **{"Idempotency-Key": "order-7"})
        again = self._manage("POST", body=body, **{"Idempotency-Key": "order-7"})
        self.assertEqual(first.json(), again.json())
        self.assertEqual(again.status_code, 201)
        self.assertEqual(self.env["software.license"].search_count([]), before + 1)
        body["maxActivations"] = 9
        other = self._manage("POST", body=body, **{"Idempotency-Key": "order-7"})
        self.assertError(other, 422, "idempotency_key_reused")

    def test_what_was_refused_may_be_tried_again_with_its_idempotency_key(self):
        self.product.active = False
        header = {"Idempotency-Key": "order-8"}
        body = {"customerId": str(self.customer.id), "productId": str(self.product.id)}
        self.assertError(
            self._manage("POST", body=body, **header), 400, "invalid_request"
        )
        self.product.active = True
        self.assertEqual(self._manage("POST", body=body, **header).status_code, 201)

    # === READ AND CHANGE === #

    def test_a_license_is_read_by_any_spelling_of_its_key(self):
        key = self._issue().json()["licenseKey"]
        answer = self._manage("GET", f"/{key.lower()}").json()
        self.assertEqual(answer["licenseKey"], key)

    def test_only_what_is_sent_changes_and_null_clears(self):
        made = self._issue(maxActivations=5, features={"beta": True}).json()
        path = f"/{made['licenseKey']}"
        answer = self._manage("PUT", path, {"maxActivations": 7}).json()
        self.assertEqual(answer, {**made, "maxActivations": 7})
        answer = self._manage("PUT", path, {"expiresAt": None, "features": None}).json()
        self.assertIsNone(answer["expiresAt"])
        self.assertEqual(answer["features"], {"export": True})
        answer = self._manage("PUT", path, {"maxActivations": None}).json()
        self.assertEqual(answer["maxActivations"], 2)
        self.assertEqual(self._manage("PUT", path, {}).json(), answer)

    def test_a_status_changes_as_far_as_it_may(self):
        path = f"/{self._issue().json()['licenseKey']}"
        for status in ("suspended", "active", "revoked"):
            answer = self._manage("PUT", path, {"status": status}).json()
            self.assertEqual(answer["status"], status)
        self.assertError(
            self._manage("PUT", path, {"status": "active"}), 409, "license_revoked"
        )
        for status in ("expired", "gone", None, 7):
            self.assertError(
                self._manage("PUT", path, {"status": status}),
                400,
                "invalid_request",
                "status",
            )

    def test_what_was_tried_or_is_named_by_an_order_leaves_a_trace(self):
        tried = self._issue(trial=True).json()
        named = self._issue().json()
        self.env["sale.order"].create(
            {
                "partner_id": self.customer.id,
                "order_line": [
                    Command.create(
                        {"product_id": self.product.id, "license_id": int(named["id"])}
                    )
                ],
            }
        )
        for made in (tried, named):
            path = f"/{made['licenseKey']}"
            self.assertEqual(self._manage("DELETE", path).status_code, 200)
            self.assertEqual(self._manage("GET", path).status_code, 404)
            license_ = self.env["software.license"].browse(int(made["id"]))
            self.assertTrue(license_.exists())
        self.assertError(self._issue(trial=True), 409, "trial_used")

    def test_a_deleted_license_answers_as_unknown(self):
        for is_billed in (False, True):
            key = self._issue().json()["licenseKey"]
            license_ = self.env["software.license"].search([("license_key", "=", key)])
            if is_billed:
                license_.billing_identity = "account.move.line,1|acme-editor"
            answer = self._manage("DELETE", f"/{key}")
            self.assertEqual(
                (answer.status_code, answer.json()), (200, {"success": True})
            )
            self.assertEqual(bool(license_.exists()), is_billed)
            unknown = self._manage("GET", "/ACME-0000-0000-0000").text
            self.assertEqual(self._manage("GET", f"/{key}").text, unknown)
            self.assertEqual(self._manage("DELETE", f"/{key}").text, unknown)
            self.assertEqual(self._post("verify", {"licenseKey": key}).status_code, 404)

    # === DEVICES AND KEYS === #

    def test_devices_are_listed_and_freed(self):
        key = self._issue().json()["licenseKey"]
        for device in ("laptop", "C:/shared disk"):
            self._post("validate", {"licenseKey": key, "deviceId": device})
        devices = self._manage("GET", f"/{key}/activations").json()
        self.assertEqual(
            sorted(device["deviceId"] for device in devices),
            ["C:/shared disk", "laptop"],
        )
        answer = self._manage("DELETE", f"/{key}/activations/C:%2Fshared%20disk")
        self.assertEqual(
            answer.json(),
            {"success": True, "currentActivations": 1, "maxActivations": 2},
        )
        again = self._manage("DELETE", f"/{key}/activations/C:%2Fshared%20disk")
        self.assertError(again, 404, "device_not_found")

    def test_a_replaced_key_is_revoked_and_the_new_one_keeps_the_devices(self):
        made = self._issue().json()
        old = made["licenseKey"]
        self._post("validate", {"licenseKey": old, "deviceId": "laptop"})
        new = self._manage("POST", f"/{old}/rotate").json()
        self.assertEqual(
            new, {**made, "licenseKey": new["licenseKey"], "currentActivations": 1}
        )
        self.assertNotEqual(new["licenseKey"], old)
        body = {"licenseKey": old, "deviceId": "laptop"}
        for call in ("verify", "validate"):
            answer = self._post(call, body).json()
            self.assertEqual(answer["error"], "license_revoked")
        self.assertEqual(self._post("deactivate", body).status_code, 404)
        body["licenseKey"] = new["licenseKey"]
        self.assertTrue(self._post("verify", body).json()["valid"])
        self.assertEqual(self._manage("GET", f"/{old}").status_code, 404)
        self.assertError(self._issue(licenseKey=old), 409, "license_key_exists")

    def test_what_no_key_or_device_can_be_is_unknown(self):
        key = self._issue().json()["licenseKey"]
        for path, error in (
            ("/%00", "license_not_found"),
            ("/%0a", "license_not_found"),
            (f"/{'x' * 3000}", "license_not_found"),
            ("/%ff%fe", "license_not_found"),
            (f"/{key}/activations/%00", "device_not_found"),
            (f"/{key}/activations/nothing", "device_not_found"),
        ):
            with self.subTest(path=path[:30]):
                self.assertError(self._manage("DELETE", path), 404, error)

    def test_a_device_whose_name_begins_with_a_slash_is_freed(self):
        key = self._issue().json()["licenseKey"]
        for device in ("/dev/sda", "dev/sda"):
            self._post("validate", {"licenseKey": key, "deviceId": device})
        path = f"/{key}/activations/%2Fdev%2Fsda"
        self.assertEqual(self._manage("DELETE", path).status_code, 200)
        (left,) = self._manage("GET", f"/{key}/activations").json()
        self.assertEqual(left["deviceId"], "dev/sda")

    # === WHAT READS AS IT DID === #

    def test_sending_back_what_was_read_sets_nothing_by_hand(self):
        made = self._issue().json()
        license_ = self.env["software.license"].browse(int(made["id"]))
        before = license_.term_ids
        for is_reversed in (False, True):
            license_.sudo().write({"is_payment_reversed": is_reversed})
            path = f"/{made['licenseKey']}"
            shown = self._manage("GET", path).json()
            self.assertEqual(shown["status"], ("active", "suspended")[is_reversed])
            self.assertEqual(self._manage("PUT", path, shown).json(), shown)
            license_.invalidate_recordset()
            self.assertEqual(license_.max_activations, 0)
            self.assertEqual(license_.state, "active")
            self.assertFalse(license_.features)
            self.assertEqual(license_.term_ids, before)

    # === LIST === #

    def test_a_page_tells_how_many_there_are_and_where_the_next_is(self):
        for _number in range(3):
            self._issue()
        path = f"?customerId={self.customer.id}&limit=2"
        response = self._manage("GET", path)
        self.assertEqual(len(response.json()), 2)
        self.assertEqual(response.headers["X-Total-Count"], "3")
        self.assertIn('offset=2>; rel="next"', response.headers["Link"])
        rest = self._manage("GET", f"{path}&offset=2").json()
        ids = [it["id"] for it in [*response.json(), *rest]]
        self.assertEqual(len(set(ids)), 3)

    def test_filters_find_what_they_name(self):
        soon = self._issue(expiresAt="2127-01-01").json()
        late = self._issue(expiresAt="2128-01-01").json()
        self._manage("PUT", f"/{late['licenseKey']}", {"status": "suspended"})
        mine = f"?customerId={self.customer.id}"
        for query, found in (
            ("", [late, soon]),
            ("&sort=createdAt", [soon, late]),
            ("&sort=expiresAt", [soon, late]),
            ("&sort=-expiresAt", [late, soon]),
            ("&status=suspended", [late]),
            ("&status=active", [soon]),
            ("&status=expired", []),
            ("&expiresBefore=2127-06-01T00:00:00Z", [soon]),
            ("&createdAfter=2127-06-01T00:00:00Z", []),
            (f"&q={soon['licenseKey'][5:14].lower()}", [soon]),
            ("&q=acme-", [late, soon]),
            ("&q=blue+heron", [late, soon]),
            ("&q=nobody+at+all", []),
            (f"&productId={self.product.id}", [late, soon]),
            ("&productId=999999", []),
        ):
            with self.subTest(query=query):
                answer = self._manage("GET", mine + query).json()
                self.assertEqual(
                    [it["id"] for it in answer], [it["id"] for it in found]
                )

    def test_the_licenses_of_a_company_are_found_by_their_contacts_and_it(self):
        child = self.env["res.partner"].create(
            {"name": "Anna", "parent_id": self.customer.id}
        )
        license_ = self._create_license(self.policy, partner_id=child.id)
        for partner in (child, self.customer):
            answer = self._manage("GET", f"?customerId={partner.id}").json()
            self.assertEqual([it["id"] for it in answer], [str(license_.id)])

    def test_bad_arguments_are_refused_by_name(self):
        for query in (
            "limit=0",
            "limit=-1",
            "limit=1001",
            "limit=ten",
            "offset=-1",
            "status=gone",
            "customerId=x",
            "expiresBefore=soon",
            "createdAfter=2026-13-01",
            "sort=name",
        ):
            with self.subTest(query=query):
                self.assertError(
                    self._manage("GET", f"?{query}"),
                    400,
                    "invalid_request",
                    query.partition("=")[0],
                )

    def test_signs_of_sql_are_searched_for_as_they_are(self):
        self._issue()
        for text in ("%25", "_", "\\"):
            answer = self._manage("GET", f"?customerId={self.customer.id}&q={text}")
            self.assertEqual(answer.json(), [])

    def test_who_asks_on_from_the_last_one_created_gets_it_not_again(self):
        made = self._issue().json()
        mine = f"?customerId={self.customer.id}&createdAfter="
        answer = self._manage("GET", mine + made["createdAt"]).json()
        self.assertEqual(answer, [])

    def test_a_product_of_another_company_by_now_hides_no_license(self):
        made = self._issue().json()
        self.product.company_id = self.env["res.company"].create({"name": "Other"})
        (answer,) = self._manage("GET", f"?customerId={self.customer.id}").json()
        self.assertEqual(answer["productName"], made["productName"])

    # === WHO MAY === #

    def test_an_idempotency_key_gives_nobody_what_he_may_no_longer_see(self):
        user = new_test_user(
            self.env, "test leaver", "software_license.group_license_user"
        )
        key, header = self._create_api_key(user), {"Idempotency-Key": "order-9"}
        body = {"customerId": str(self.customer.id), "productId": str(self.product.id)}
        made = self._manage("POST", "", body, key, **header).json()
        user.group_ids = self.env.ref("base.group_user")
        again = self._manage("POST", "", body, key, **header)
        self.assertError(again, 403, "forbidden")
        self.assertNotIn(made["licenseKey"], again.text)

    def test_a_license_is_of_a_company_of_the_user_that_fits(self):
        root = self.env.company
        branch = self.env["res.company"].create({"name": "B", "parent_id": root.id})
        user = new_test_user(
            self.env,
            "test branch",
            "software_license.group_license_manager",
            company_id=branch.id,
            company_ids=[Command.set(branch.ids)],
        )
        key = self._create_api_key(user)
        self.product.company_id = root
        body = {"customerId": str(self.customer.id), "productId": str(self.product.id)}
        for trial in (False, True):
            made = self._manage("POST", "", {**body, "trial": trial}, key)
            self.assertEqual(made.status_code, 201, made.text)
            license_ = self.env["software.license"].browse(int(made.json()["id"]))
            self.assertEqual(license_.company_id, branch)
        other = self.env["res.company"].create({"name": "Other"})
        user.company_ids = [Command.link(other.id)]
        self.customer.company_id = other
        self.assertError(
            self._manage("POST", "", body, key), 400, "invalid_request", "one company"
        )
        self.product.company_id = False
        made = self._manage("POST", "", body, key).json()
        license_ = self.env["software.license"].browse(int(made["id"]))
        self.assertEqual(license_.company_id, other)

    def test_who_sends_no_key_of_a_user_is_not_let_in(self):
        long = self.api_key[:8] + "x" * 5000
        for key in ("", "wrong", self.api_key[:-1], f"{self.api_key} x", long):
            response = self._manage("GET", api_key=key)
            self.assertError(response, 401, "unauthorized")
            self.assertEqual(response.headers["WWW-Authenticate"], "Bearer")
        self.authenticate("test manager", "test manager")
        self.assertError(self._manage("GET", api_key=""), 401, "unauthorized")

    #: Statuses of list, create, read, devices, change, revoke, free, rotate, delete.
    READER = (200, 403, 200, 200, 403, 403, 403, 403, 403)
    TABLE = (
        (None, (401,) * 9),
        ("base.group_portal", (403,) * 9),
        ("base.group_user", (403,) * 9),
        ("account.group_account_readonly", READER),
        ("account.group_account_invoice", READER),
        (
            "software_license.group_license_user",
            (200, 201, 200, 200, 200, 403, 200, 200, 403),
        ),
        (
            "software_license.group_license_manager",
            (200, 201, 200, 200, 200, 200, 200, 409, 200),  # 409: it was revoked
        ),
    )

    def _call_every_route(self, made, api_key):
        """Call each managed route about a license; return the responses."""
        body = {"licenseKey": made["licenseKey"], "deviceId": "laptop"}
        self._post("validate", body)
        new = {name: made[name] for name in ("customerId", "productId")}
        license_ = self.env["software.license"].browse(int(made["id"]))
        found = []
        for method, path, body in (
            ("GET", None, None),
            ("POST", None, new),
            ("GET", "", None),
            ("GET", "/activations", None),
            ("PUT", "", {"maxActivations": 3}),
            ("PUT", "", {"status": "revoked"}),
            ("DELETE", "/activations/laptop", None),
            ("POST", "/rotate", None),
            ("DELETE", "", None),
        ):
            one = "" if path is None else f"/{license_.license_key}{path}"
            found.append(self._manage(method, one, body, api_key=api_key))
        return found

    def test_each_account_may_do_what_the_table_says(self):
        for group, statuses in self.TABLE:
            made, key = self._issue().json(), ""
            if group:
                user = new_test_user(self.env, f"test {group}", group)
                key = self._create_api_key(user)
            found = self._call_every_route(made, key)
            with self.subTest(group):
                self.assertEqual(tuple(it.status_code for it in found), statuses)
                for response in found:
                    if response.status_code in (401, 403):
                        error = {401: "unauthorized", 403: "forbidden"}
                        self.assertError(
                            response, response.status_code, error[response.status_code]
                        )
                        self.assertNotIn(made["customerName"], response.text)
                        self.assertNotIn("X-Total-Count", response.headers)

    def test_an_account_of_another_company_finds_nothing_at_any_route(self):
        company = self.env["res.company"].create({"name": "Other"})
        for group, statuses in self.TABLE[3:]:
            user = new_test_user(
                self.env,
                f"other {group}",
                group,
                company_id=company.id,
                company_ids=[Command.set(company.ids)],
            )
            made = self._issue().json()
            found = self._call_every_route(made, self._create_api_key(user))
            listed, created, *others = found
            with self.subTest(group):
                # What they issued themselves in their own company is all there is.
                ids = {it["customerId"] for it in listed.json()}
                self.assertNotIn(made["licenseKey"], listed.text)
                self.assertLessEqual(ids, {made["customerId"]})
                count = str(len(listed.json()))
                self.assertEqual(listed.headers["X-Total-Count"], count)
                self.assertEqual(created.status_code, statuses[1])
                for response in others:
                    self.assertError(response, 404, "license_not_found")
                    self.assertNotIn(made["customerName"], response.text)

    def test_the_public_calls_are_the_same_to_everybody(self):
        key = self._issue().json()["licenseKey"]
        answers = set()
        for group, _statuses in self.TABLE:
            headers = {}
            if group:
                user = new_test_user(self.env, f"public {group}", group)
                headers = {"Authorization": f"Bearer {self._create_api_key(user)}"}
            body = {"licenseKey": key}
            answers.add(self._post("verify", body, headers=headers).text)
            self.assertEqual(
                self._post("verify", {"licenseKey": "unknown"}, headers=headers).json(),
                self._post("verify", {"licenseKey": "unknown"}).json(),
            )
        self.assertEqual(len(answers), 1)

    def test_another_companys_licenses_answer_as_unknown(self):
        company = self.env["res.company"].create({"name": "Other"})
        other = self._create_license(self.policy, company_id=company.id)
        path = f"/{other.license_key}"
        unknown = self._manage("GET", "/ACME-0000-0000-0000").text
        for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
            response = self._manage(method, path, body)
            self.assertEqual(response.text, unknown)
        self.assertNotIn(other.license_key, self._manage("GET", "?limit=1000").text)
        self.manager.company_ids = [Command.link(company.id)]
        self.assertEqual(self._manage("GET", path).status_code, 200)

    def test_a_rival_that_issued_the_same_key_first_is_a_conflict(self):
        self._issue(licenseKey="RIVAL-1234-5678-9ABC")
        License = self.env.registry["software.license"]
        with patch.object(License, "_is_key_known", lambda *args: False):
            response = self._issue(licenseKey="RIVAL-1234-5678-9ABC")
        self.assertEqual(response.status_code, 409)


class TestAddress(BaseCase):
    def test_keys_in_addresses_are_masked(self):
        for line, masked in (
            (
                "GET /api/licenses/ACME-7K3M-91QZ HTTP/1.1",
                "GET /api/licenses/ACME… HTTP/1.1",
            ),
            (
                "/api/licenses/ACME-7K3M/activations/x",
                "/api/licenses/ACME…/activations/x",
            ),
            ("POST /api/licenses/verify HTTP/1.1", None),
            ("GET /api/licenses?q=1 HTTP/1.1", None),
            ("GET /api/licenses/openapi.json HTTP/1.1", None),
            ("GET /web/login", None),
            (
                "GET /my/licenses?search_in=key&search=ACME-7K3M-91QZ HTTP/1.1",
                "GET /my/licenses?search_in=key&search=ACME… HTTP/1.1",
            ),
        ):
            self.assertEqual(mask_keys(line), masked or line)

    def test_what_everybody_may_call_is_public(self):
        for path, expected in (
            ("/api/licenses/verify", True),
            ("/api/licenses/docs/x.js", True),
            ("/api/licenses/health", True),
            ("/api/v1/licensing/validate", True),
            ("/api/licenses", False),
            ("/api/licenses/ACME-7K3M", False),
            ("/api/licenses/ACME-7K3M/verify", False),
        ):
            self.assertEqual(is_public(path), expected, path)


@tagged("post_install", "-at_install")
class TestLanguages(LicenseManagedCommon):
    """A second language sends people to other addresses, and programs never."""

    def test_addresses_that_do_not_exist_are_told_in_json_in_every_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        for method, path in (
            ("GET", "/some-key/nothing"),
            ("GET", "/jwks.json/nothing"),
            ("GET", "//x/y/z"),
            ("DELETE", "/a/b/c"),
        ):
            headers = {"Accept-Language": "fr"}
            response = self._manage(method, path, **headers)
            with self.subTest(path):
                self.assertEqual(response.history, [])
                self.assertEqual(response.status_code, 404)
                self.assertEqual(response.json()["error"], "not_found")
                self.assertNotIn("Set-Cookie", response.headers)
