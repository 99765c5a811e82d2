from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged

from .common import LicenseCommon


@tagged("post_install", "-at_install")
class TestSeatRivals(LicenseCommon):
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
                    self._wait_for(license_, action)
                    with self.assertRaises(ConcurrencyError) as caught:
                        getattr(license_.sudo(), call)(key, device)
                    self.assertNotIn(key, str(caught.exception))

    def _wait_for(self, license_, action):
        """Let somebody act on a license while the next call waits for the lock."""
        License = self.env.registry["software.license"]
        lock, actions = License._lock_seats, [action]

        def wait(licenses):
            if actions:
                actions.pop()(license_)
                self.env.flush_all()
            lock(licenses)

        self.patch(License, "_lock_seats", wait)
