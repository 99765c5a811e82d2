import os

from odoo.exceptions import ValidationError
from odoo.tests import BaseCase, Form, tagged

from ..models.ir_http_throttle import DEFAULT_LIMIT, LIMIT, TRUSTED
from ..tools import throttle
from .common import LicenseCommon, LicenseHttpCommon

WINDOWS_KEPT_APART = 1 << 16


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.now = 600_000.0  # a window's beginning

    def __call__(self):
        return self.now


class TestFailureCounter(BaseCase):
    def setUp(self):
        super().setUp()
        self.clock = Clock()
        self.counter = throttle.FailureCounter(clock=self.clock)

    def test_each_address_has_a_count_of_its_own(self):
        self.assertEqual([self.counter.add("bad") for _turn in range(3)], [1, 2, 3])
        self.assertEqual(self.counter.add("other"), 1)
        self.assertEqual(self.counter.get("bad"), 3)
        self.assertEqual(self.counter.get("good"), 0)

    def test_a_new_window_begins_at_nothing(self):
        self.counter.add("bad")
        self.clock.now += 59.9
        self.assertEqual(self.counter.get("bad"), 1)
        self.clock.now += 0.1
        self.assertEqual(self.counter.get("bad"), 0)
        self.assertEqual(self.counter.add("bad"), 1)

    def test_a_count_of_weeks_ago_is_no_count(self):
        self.counter.add("bad")
        self.clock.now += 60 * (WINDOWS_KEPT_APART - 1)
        self.assertEqual(self.counter.get("bad"), 0)

    def test_the_seconds_left_reach_to_the_end_of_the_window(self):
        for elapsed, left in ((0, 60), (0.5, 60), (1, 59), (59, 1), (59.99, 1)):
            self.clock.now = 600_000 + elapsed
            self.assertEqual(self.counter.seconds_left(), left, elapsed)

    def test_a_count_stays_at_its_maximum(self):
        for _turn in range(throttle.MAX_COUNT + 5):
            count = self.counter.add("bad")
        self.assertEqual(count, throttle.MAX_COUNT)
        self.assertEqual(self.counter.get("bad"), throttle.MAX_COUNT)
        self.assertEqual(self.counter.get("good"), 0)

    def test_addresses_that_share_their_places_are_told_apart(self):
        counter = throttle.FailureCounter(throttle.PROBES, self.clock)
        for number in range(throttle.PROBES):
            for _turn in range(number + 1):
                counter.add(f"bad {number}")
        for number in range(throttle.PROBES):
            self.assertEqual(counter.get(f"bad {number}"), number + 1)

    def test_a_full_table_forgets_who_failed_least(self):
        counter = throttle.FailureCounter(throttle.PROBES, self.clock)
        for number in range(throttle.PROBES):
            for _turn in range(number + 5):
                counter.add(f"bad {number}")
        self.assertEqual(counter.add("new"), 1)
        self.assertEqual(counter.get("bad 0"), 0)
        self.assertEqual(counter.get("bad 1"), 6)
        for number in range(10_000):
            counter.add(f"crowd {number}")
        last = throttle.PROBES - 1
        self.assertEqual(counter.get(f"bad {last}"), last + 5)

    def test_entries_of_a_past_window_are_used_first(self):
        counter = throttle.FailureCounter(throttle.PROBES, self.clock)
        for number in range(throttle.PROBES):
            for _turn in range(9):
                counter.add(f"old {number}")
        self.clock.now += 60
        for number in range(throttle.PROBES):
            counter.add(f"new {number}")
        for number in range(throttle.PROBES):
            self.assertEqual(counter.get(f"new {number}"), 1)

    def test_forked_processes_count_together(self):
        children = []
        for _worker in range(2):
            pid = os.fork()
            if not pid:
                self.counter.add("bad")
                os._exit(0)
            os.waitpid(pid, 0)
            children.append(pid)
        self.assertEqual(self.counter.get("bad"), len(children))

    def test_a_process_killed_while_it_counts_stops_nobody(self):
        ready, tell = os.pipe()
        pid = os.fork()
        if not pid:
            os.write(tell, b"x")
            while True:
                self.counter.add("killed")
        os.read(ready, 1)
        before = self.counter.add("bad")
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(ready)
        os.close(tell)
        self.assertEqual(self.counter.add("bad"), before + 1)

    def test_two_servers_place_the_same_address_differently(self):
        other = throttle.FailureCounter(clock=self.clock)
        self.assertNotEqual(self.counter._locate("bad"), other._locate("bad"))

    def test_reset_forgets_everything(self):
        self.counter.add("bad")
        self.counter.reset()
        self.assertEqual(self.counter.get("bad"), 0)


class TestAddresses(BaseCase):
    def test_an_ipv6_network_is_one_client_and_an_ipv4_address_is_one(self):
        for one, other, is_same in (
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
            ("192.0.2.1", "192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
            ("::ffff:192.0.2.1", "192.0.2.1", True),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
            ("fe80::1%eth0", "fe80::2%eth0", True),
            ("", "192.0.2.1", False),
            (None, "unix:", False),
        ):
            with self.subTest(one=one, other=other):
                self.assertEqual(
                    throttle.client(one) == throttle.client(other), is_same
                )

    def test_networks_are_read_and_what_is_none_is_named(self):
        networks = throttle.read_networks(" 192.0.2.7, 10.0.0.0/8;2001:db8::/32\nx/y ")
        self.assertEqual(networks.bad, ("x/y",))
        for address, is_in in (
            ("192.0.2.7", True),
            ("192.0.2.8", False),
            ("10.200.3.4", True),
            ("::ffff:10.1.1.1", True),
            ("2001:db8:5::1", True),
            ("2001:db9::1", False),
            ("", False),
            (None, False),
            ("unix:", False),
        ):
            self.assertEqual(throttle.is_in(address, networks.good), is_in, address)

    def test_no_text_is_no_network(self):
        for text in (None, False, "", " , "):
            self.assertEqual(throttle.read_networks(text), ((), ()))


@tagged("post_install", "-at_install")
class TestThrottledRoutes(LicenseHttpCommon):
    ROUTES = (
        ("/api/licenses/verify", 404),
        ("/api/licenses/validate", 404),
        ("/api/licenses/deactivate", 404),
        ("/api/v1/licensing/validate", 401),
    )

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.license = cls._create_license()
        cls.parameters = cls.env["ir.config_parameter"]
        cls.parameters.set_param(LIMIT, "3")

    def setUp(self):
        super().setUp()
        self.clock = Clock()  # no minute ends while a test runs
        self.patch(throttle.failed_lookups, "_clock", self.clock)

    def _try(self, path, key="NO-SUCH-KEY", **kwargs):
        body = {"licenseKey": key, "deviceId": "laptop"}
        return self._post(None, body, path=path, **kwargs)

    def _fail(self, times=3, path="/api/licenses/verify"):
        return [self._try(path).status_code for _turn in range(times)]

    def _fail_too_often(self, **kwargs):
        """Get refused; return the statuses and what the log says."""
        with self.assertLogs("odoo.addons.software_license", "WARNING") as logs:
            return self._fail(4, **kwargs), logs.output

    def test_every_public_route_counts_and_refuses(self):
        for path, status in self.ROUTES:
            throttle.failed_lookups.reset()
            with self.subTest(path):
                statuses, _log = self._fail_too_often(path=path)
                self.assertEqual(statuses, [status] * 3 + [429])

    def test_the_refusal_says_when_to_come_back(self):
        _statuses, log = self._fail_too_often()
        self.clock.now += 13
        response = self._try("/api/licenses/verify")
        self.assertEqual(response.json()["error"], "rate_limited")
        self.assertIn("unknown license keys", response.json()["message"])
        self.assertEqual(response.headers["Retry-After"], "47")
        self.assertEqual(response.headers["Cache-Control"], "no-store")
        self.assertEqual(response.headers["Access-Control-Allow-Origin"], "*")
        self.assertNotIn("Set-Cookie", response.headers)
        self.assertEqual(len(log), 1)
        self.assertIn("127.0.0.1 tried 3 unknown license keys", log[0])

    def test_who_is_over_the_limit_learns_of_no_key_on_any_route(self):
        self._fail_too_often()
        for path, _status in self.ROUTES:
            with self.subTest(path):
                response = self._try(path, self.license.license_key)
                self.assertEqual(response.status_code, 429)
        self.assertFalse(self.license.activation_ids)

    def test_a_refused_call_is_not_read(self):
        self._fail_too_often()
        response = self._post("verify", data=b"not JSON")
        self.assertEqual(response.status_code, 429)

    def test_a_browser_may_still_ask_first(self):
        self._fail_too_often()
        response = self.url_open("/api/licenses/verify", method="OPTIONS")
        self.assertEqual(response.status_code, 204)

    def test_a_new_minute_lets_in_again(self):
        self._fail_too_often()
        self.clock.now += 60
        self.assertEqual(self._fail(1), [404])

    def test_only_unknown_keys_count(self):
        suspended = self._create_license(state="suspended").license_key
        revoked = self._create_license(state="revoked").license_key
        replaced = self.license.license_key
        self.license._replace_key()
        for key in (self.license.license_key, replaced, suspended, revoked, 7, None):
            for path, _status in self.ROUTES:
                for _turn in range(2):
                    self._try(path, key)
        self._post("verify", data=b"not JSON")
        self._post("nothing", {})
        self.assertEqual(self._fail(1), [404])
        self.assertEqual(self._try(self.ROUTES[0][0]).status_code, 404)

    def test_zero_switches_it_off(self):
        self.parameters.set_param(LIMIT, "0")
        self.assertEqual(self._fail(10), [404] * 10)

    def test_a_trusted_address_is_never_refused(self):
        for networks in ("127.0.0.1", "192.0.2.1, 127.0.0.0/8", "nonsense 127.0.0.1"):
            throttle.failed_lookups.reset()
            self.parameters.set_param(TRUSTED, networks)
            with self.subTest(networks):
                self.assertEqual(self._fail(10), [404] * 10)

    def test_a_limit_that_is_no_number_is_the_default(self):
        self.parameters.set_param(LIMIT, "many")
        self.assertEqual(self._fail(5), [404] * 5)
        for _turn in range(DEFAULT_LIMIT - 8):
            throttle.failed_lookups.add(f"{self.env.cr.dbname} 127.0.0.1")
        statuses, _log = self._fail_too_often()
        self.assertEqual(statuses, [404, 404, 404, 429])

    def test_a_header_does_not_change_who_asks(self):
        headers = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1"}
        self._fail_too_often()
        response = self._try("/api/licenses/verify", headers=headers)
        self.assertEqual(response.status_code, 429)

    def test_a_caller_that_never_failed_costs_no_query(self):
        path = "/api/licenses/verify"
        self._try(path, self.license.license_key)
        get_param = type(self.parameters).get_param
        asked = []

        def listen(records, key, default=False):
            asked.append(key)
            return get_param(records, key, default)

        self.patch(type(self.parameters), "get_param", listen)
        self._try(path, self.license.license_key)
        self.assertNotIn(LIMIT, asked)
        self._try(path)
        self.assertIn(LIMIT, asked)


@tagged("post_install", "-at_install")
class TestThrottleSettings(LicenseCommon):
    def _set(self, **values):
        with Form(self.env["res.config.settings"]) as form:
            for name, value in values.items():
                setattr(form, name, value)
        form.record.execute()

    def _get(self, key):
        return self.env["ir.config_parameter"].get_param(key)

    def test_the_default_is_shown_and_kept(self):
        self._set()
        self.assertEqual(self._get(LIMIT), str(DEFAULT_LIMIT))

    def test_zero_is_kept_as_zero(self):
        self._set(license_failed_lookups=0)
        self.assertEqual(self._get(LIMIT), "0")
        settings = self.env["res.config.settings"].create({})
        self.assertEqual(settings.license_failed_lookups, 0)

    def test_a_limit_out_of_range_is_refused(self):
        for limit in (-1, throttle.MAX_COUNT + 1):
            with self.subTest(limit), self.assertRaisesRegex(ValidationError, "0 to"):
                self._set(license_failed_lookups=limit)

    def test_trusted_addresses_are_saved(self):
        self._set(license_trusted_networks="192.0.2.7, 2001:db8::/32")
        self.assertEqual(self._get(TRUSTED), "192.0.2.7, 2001:db8::/32")

    def test_an_entry_that_is_no_address_is_named(self):
        for entry in ("10.0.0.0/33", "example.com", "1.2.3"):
            with (
                self.subTest(entry),
                self.assertRaisesRegex(ValidationError, f"“{entry}” is not an address"),
            ):
                self._set(license_trusted_networks=f"192.0.2.7, {entry}")
        self.assertFalse(self._get(TRUSTED))
