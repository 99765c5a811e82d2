import json
import re

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from odoo.tests import tagged

from .common import LicenseManagedCommon

ADDRESS = re.compile(r"^/api/(licenses|v1/licensing)(/|$)")
#: Addresses that are pages for people, or parts of them.
PAGES = {"/api/licenses/docs", "/api/licenses/docs/{name}"}


@tagged("post_install", "-at_install")
class TestOpenapi(LicenseManagedCommon):
    """The document is true: what the server sends is in it, and the other way round."""

    def setUp(self):
        super().setUp()
        self.document = self._manage("GET", "/openapi.json", api_key="").json()

    def test_the_document_is_an_openapi_document(self):
        validate(self.document)

    def test_every_route_is_in_the_document_and_no_other(self):
        documented = {
            (path, method.upper())
            for path, item in self.document["paths"].items()
            for method in item.keys() - {"parameters"}
        }
        served = set()
        for rule in self.env["ir.http"].routing_map().iter_rules():
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            path = path.replace("{device_id}", "{deviceId}")
            if ADDRESS.match(path) and path not in PAGES:
                served |= {(path, m) for m in rule.methods - {"HEAD", "OPTIONS"}}
        self.assertEqual(documented, served)

    def test_every_example_is_as_the_document_says(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                bodies = [operation.get("requestBody", {})]
                for content in [*bodies, *operation["responses"].values()]:
                    media = content.get("content", {}).get("application/json", {})
                    examples = media.get("examples", {}).values()
                    values = [example["value"] for example in examples]
                    if "example" in media:
                        values.append(media["example"])
                    for value in values:
                        with self.subTest(path=path, method=method):
                            self._validate(value, media["schema"])

    def test_every_field_that_is_sent_is_in_the_document(self):
        made = self._issue()
        self.assertDocumented(made, "post", "/api/licenses")
        key = made.json()["licenseKey"]
        for call, body in (
            ("verify", {"licenseKey": key}),
            ("validate", {"licenseKey": key, "deviceId": "a"}),
            ("validate", {"licenseKey": key, "deviceId": "b"}),
            ("validate", {"licenseKey": key, "deviceId": "full"}),
            ("verify", {"licenseKey": key, "deviceId": "unknown"}),
            ("verify", {"licenseKey": key, "application": "other"}),
            ("deactivate", {"licenseKey": key, "deviceId": "a"}),
            ("deactivate", {"licenseKey": key, "deviceId": "a"}),
            ("verify", {"licenseKey": "unknown key"}),
            ("verify", {}),
        ):
            response = self._post(call, body)
            self.assertDocumented(response, "post", f"/api/licenses/{call}")
        licensing = "/api/v1/licensing/validate"
        for body in (
            {"licenseKey": key, "instanceUrl": "https://erp.example.com"},
            {"licenseKey": "unknown key"},
            {"licenseKey": 7},
            {},
        ):
            response = self._post(None, body, path=licensing)
            self.assertDocumented(response, "post", licensing)
        one, devices = "/api/licenses/{key}", "/api/licenses/{key}/activations"
        for method, path, address in (
            ("GET", "", "/api/licenses"),
            ("GET", "?limit=0", "/api/licenses"),
            ("GET", f"/{key}", one),
            ("GET", "/unknown-key", one),
            ("GET", f"/{key}/activations", devices),
            ("DELETE", f"/{key}/activations/b", f"{devices}/{{deviceId}}"),
            ("DELETE", f"/{key}/activations/b", f"{devices}/{{deviceId}}"),
            ("GET", f"/{key}/file", f"{one}/file"),
            ("GET", f"/{key}/file?deviceId=%00", f"{one}/file"),
            ("GET", "/unknown-key/file", f"{one}/file"),
            ("GET", "/jwks.json", "/api/licenses/jwks.json"),
            ("GET", "/health", "/api/licenses/health"),
            ("DELETE", f"/{key}", one),
        ):
            response = self._manage(method, path)
            self.assertDocumented(response, method.lower(), address)
        response = self._manage("GET", api_key="wrong")
        self.assertDocumented(response, "get", "/api/licenses")

    def assertDocumented(self, response, method, address):
        """Its status is in the document, and each of its fields with its type."""
        operation = self.document["paths"][address][method]
        documented = operation["responses"][str(response.status_code)]
        if "$ref" in documented:
            name = documented["$ref"].rpartition("/")[2]
            documented = self.document["components"]["responses"][name]
        with self.subTest(address=address, method=method, status=response.status_code):
            sent = response.headers["Content-Type"].partition(";")[0]
            schema = documented["content"][sent]["schema"]
            is_json = sent == "application/json"
            self._validate(response.json() if is_json else response.text, schema)

    def _validate(self, value, schema):
        """Check a value by a schema that takes no further fields."""
        components = json.loads(json.dumps(self.document["components"]))
        for name, component in components["schemas"].items():
            if name != "Features":
                _close(component)
        root = {**schema, "components": components}
        Draft202012Validator(root).validate(value)

    def test_the_page_for_people_needs_nothing_from_elsewhere(self):
        page = self._manage("GET", "/docs", api_key="").text
        addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
        self.assertEqual(len(addresses), 3)
        for address in addresses:
            with self.subTest(address):
                self.assertTrue(address.startswith("/"))
                self.assertEqual(self.url_open(address).status_code, 200)
        for name in ("nothing.js", "index.html", "..%2f__init__.py"):
            self.assertEqual(self._manage("GET", f"/docs/{name}").status_code, 404)


def _close(schema):
    """Let an object's schema refuse fields that it does not name."""
    properties = schema.get("properties", {})
    if properties:
        schema["additionalProperties"] = False
    for part in properties.values():
        _close(part)
