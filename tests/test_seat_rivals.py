from unittest.mock import patch

from odoo.exceptions import ConcurrencyError
from odoo.service import model
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LicenseHttpCommon


@tagged("post_install", "-at_install")
class TestSeatRivals(LicenseHttpCommon):
    """What happens to a license while a device waits for its lock.

    Odoo makes a call again that raises a ConcurrencyError, and it is refused then.
    """

    def test_a_call_is_made_again_when_its_license_or_key_is_gone_by_then(self):
        for label, action in (
            ("deleted", lambda license_: license_.unlink()),
            ("archived", lambda license_: license_.write({"active": False})),
            ("given a new key", lambda license_: license_._replace_key()),
        ):
            for call in ("_api_validate", "_api_deactivate", "_api_licensing_validate"):
                license_ = self._create_license()
                self._activate(license_, "laptop")
                device = "laptop" if call == "_api_deactivate" else "desktop"
                key = license_.license_key
                with self.subTest(label, call=call):
                    self._wait_for(action)
                    with self.assertRaises(ConcurrencyError) as caught:
                        getattr(license_.sudo(), call)(key, device)
                    self.assertNotIn(key, str(caught.exception))

    def test_over_http_the_call_is_made_again_and_answers_what_is_there_by_then(self):
        license_ = self._create_license()
        self._wait_for(lambda license_: license_.write({"active": False}))
        with (
            patch.object(model.time, "sleep") as sleep,
            mute_logger("odoo.service.model"),
        ):
            answer = self._call("validate", license_, "laptop")
        sleep.assert_called_once()
        self.assertTrue(answer["valid"])  # what the rival did was rolled back here

    def _wait_for(self, action):
        """Let somebody act on a license while the next call waits for its lock."""
        License = self.env.registry["software.license"]
        lock, actions = License._lock_seats, [action]

        def wait(licenses):
            if actions:
                actions.pop()(licenses)
                licenses.env.flush_all()
            lock(licenses)

        self.patch(License, "_lock_seats", wait)
