"""No barriers: the pages of customers, and our widgets of the backend, in Chromium."""

from datetime import datetime, timedelta

import pytest
import requests
from browser import Visitor

from ground.browser import PHONE, WIDE, chromium, log_in

ACTION = "/odoo/action-software_license.software_license"
FEATURES = "a.nav-link:has-text('Features')"
#: Widgets of the backend: an action's path, what to click there, and the widget.
WIDGETS = (
    (f"{ACTION}_policy_action/{{policy}}", (FEATURES,), ".o_license_features"),
    (f"{ACTION}_action/{{license}}", (FEATURES,), ".o_license_features"),
)
#: What a finger hits without looking twice, in pixels.
FINGER = 44


class Customer:
    """A customer with a license in each status, and a colleague who has nothing."""

    def __init__(self, site):
        self.site = site
        self.group = site.rpc.xmlid("base.group_portal")
        self.partner = site.rpc.create("res.partner", name="Blue Heron Studio")
        self.login = self._let_in(self.partner, "axe-customer")
        self.stranger = self._let_in(
            site.rpc.create("res.partner", name="Nobody"), "axe-stranger"
        )
        features = {"export": True, "max_users": 50}
        self.policy = site.policy(
            max_activations=3, customers_replace_keys=True, features=features
        )
        self.licenses = {name: self._license() for name in STATUSES}
        for name, make in STATUSES.items():
            make(self, *self.licenses[name])

    def _let_in(self, partner, login):
        self.site.rpc.create(
            "res.users",
            name=login,
            login=login,
            password=login,
            partner_id=partner,
            group_ids=[(6, 0, [self.group])],
        )
        return login

    def _license(self):
        return self.site.license(self.policy, partner_id=self.partner)

    def use(self, license_, key):
        """Let devices and a server use it."""
        for device in ("laptop", "desk", "tower"):
            asked = {"licenseKey": key, "deviceId": device, "deviceName": device}
            requests.post(self.site.url("validate"), json=asked, timeout=60)
        asked = {"licenseKey": key, "instanceName": "Production"}
        path = self.site.url("/api/v1/licensing/validate")
        requests.post(path, json=asked, timeout=60)

    def block(self, license_, key):
        self.use(license_, key)
        devices = "software.license.activation"
        first, *_others = self.site.rpc.search(devices, ("license_id", "=", license_))
        self.site.rpc(devices, "action_block", [first])

    def end(self, license_, key, days=-1):
        moment = datetime.now() + timedelta(days=days)
        vals = {"expires_at": moment.strftime("%Y-%m-%d %H:%M:%S")}
        self.site.rpc("software.license", "write", [license_], vals)

    def suspend(self, license_, key):
        self.site.rpc("software.license", "action_suspend", [license_])

    def revoke(self, license_, key):
        self.use(license_, key)
        self.site.rpc("software.license", "action_revoke", [license_])


#: Which licenses there are, and how they came to be so.
STATUSES = {
    "active": Customer.use,
    "blocked": Customer.block,
    "unused": lambda *_args: None,
    "ends soon": lambda customer, *license_: customer.end(*license_, days=5),
    "expired": Customer.end,
    "suspended": Customer.suspend,
    "revoked": Customer.revoke,
}


@pytest.fixture(scope="module")
def customer(own_site):
    return Customer(own_site)


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def session(browser, own_site, customer):
    return log_in(browser, own_site.server.url, customer.login)


@pytest.fixture(params=(WIDE, PHONE), ids=("wide", "phone"))
def visitor(request, browser, own_site, session):
    """The customer, logged in; whose console must stay silent."""
    visitor = Visitor(browser, own_site.server.url, session, request.param)
    yield visitor
    visitor.context.close()
    assert visitor.said == []


def path(customer, name):
    license_, _key = customer.licenses[name]
    return f"/my/licenses/{license_}"


def test_the_portal_has_no_barrier(visitor, customer):
    pages = ["/my", "/my/licenses", "/my/licenses?search=nothing of this"]
    pages += [path(customer, name) for name in STATUSES]
    found = {}
    for page in pages:
        visitor.open(page)
        found[page] = visitor.find_barriers()
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


def test_an_empty_list_has_no_barrier(browser, own_site, customer):
    url = own_site.server.url
    visitor = Visitor(browser, url, log_in(browser, url, customer.stranger))
    visitor.open("/my/licenses")
    assert visitor.page.get_by_text("There are no licenses for your account").count()
    assert visitor.find_barriers() == []


def test_what_opens_on_the_page_has_no_barrier(visitor, customer):
    page = visitor.page
    visitor.open(path(customer, "active"))
    for summary in page.locator(".o_license_page summary").all():
        summary.click()
    assert visitor.find_barriers() == []
    page.locator(".o_license_free button").first.click()
    page.locator(".modal").wait_for()
    assert visitor.find_barriers() == []


def test_errors_and_what_was_done_have_no_barrier(visitor, customer):
    page = visitor.page
    visitor.open(path(customer, "active"))
    page.fill("#request_text", "nonsense")
    page.click("#file button[type=submit]")
    page.locator("#file_problem").wait_for()
    assert visitor.find_barriers() == []
    visitor.open(path(customer, "active"))
    page.locator(".o_license_free button").first.click()
    page.locator(".modal .btn-danger").click()
    page.locator(".o_license_notice").wait_for()
    assert visitor.find_barriers() == []


def test_everything_fits_a_phone_and_a_finger(visitor, customer):
    page = visitor.page
    for address in ("/my/licenses", path(customer, "active")):
        visitor.open(address)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for table in page.locator(".table-responsive").all():
            assert table.evaluate("it => it.scrollWidth <= it.clientWidth")
    targets = page.locator(
        ".o_license_page .btn:visible, .o_license_page summary:visible"
    )
    heights = {
        target.inner_text(): target.bounding_box()["height"] for target in targets.all()
    }
    assert len(heights) >= 5
    assert min(heights.values()) >= FINGER, heights


def test_the_key_is_copied_by_keyboard_with_and_without_a_clipboard(visitor, customer):
    page = visitor.page
    _license, key = customer.licenses["active"]
    for has_clipboard in (True, False):
        visitor.open(path(customer, "active"))
        if not has_clipboard:
            page.evaluate("delete Navigator.prototype.clipboard")
        page.focus(".o_license_copy")
        page.keyboard.press("Enter")
        page.locator(".o_license_copied[role=status]:has-text('Copied')").wait_for()
        page.focus("#request_text")
        page.keyboard.press("Control+V")
        assert page.input_value("#request_text") == key


def test_without_scripts_a_device_is_freed_and_found(
    browser, own_site, session, customer
):
    url = own_site.server.url
    visitor = Visitor(browser, url, session, java_script_enabled=False)
    page = visitor.page
    visitor.open(path(customer, "blocked"))
    assert not page.locator(".o_license_copy").is_visible()
    page.locator("summary:has-text('Rename')").first.click()
    page.locator("[name=label]").first.fill("My machine")
    page.locator("button:has-text('Save')").first.click()
    page.locator(".o_license_notice:has-text('My machine')").wait_for()
    page.locator(".o_license_free button").first.click()
    page.locator(".o_license_notice:has-text('was freed')").wait_for()
    visitor.open("/my/licenses")
    page.locator("a:visible:has-text('Revoked')").first.click()
    assert page.locator("tbody tr").count() == 1


def test_widgets_of_the_backend_have_no_barrier(browser, own_site, customer):
    url = own_site.server.url
    visitor = Visitor(browser, url, log_in(browser, url, "admin"))
    license_, _key = customer.licenses["active"]
    for action, clicks, widget in WIDGETS:
        address = action.format(policy=customer.policy, license=license_)
        visitor.open(address, until="load")
        for selector in clicks:
            visitor.page.locator(selector).first.click()
        visitor.page.locator(widget).first.wait_for()
        assert visitor.find_barriers(widget) == [], action


def test_a_barrier_is_found(visitor, customer):
    visitor.open(path(customer, "active"))
    visitor.page.evaluate("document.querySelector('h1').innerHTML += '<a href=/ />'")
    (found,) = visitor.find_barriers()
    assert found.startswith("link-name")
