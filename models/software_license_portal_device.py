from datetime import timedelta

from babel.dates import format_timedelta

from odoo import fields, models
from odoo.fields import Domain
from odoo.tools import babel_locale_parse, format_date
from odoo.tools.misc import get_lang

from .software_license_activation import COUNTED

#: A name that a customer gives a device; longer ones are cut.
MAX_LABEL = 100
#: Freed devices hold nothing, and come back by themselves.
SHOWN = ["seated", "lapsed", "blocked"]


class SoftwareLicense(models.Model):
    """A customer's own devices in the portal: freed and renamed without a ticket."""

    _inherit = "software.license"

    def _get_portal_devices_domain(self):
        self.ensure_one()
        return Domain("license_id", "=", self.id) & Domain("status", "in", SHOWN)

    def _get_portal_devices(self, offset=0, limit=None):
        """Return the devices, and the self-hosted instances, that a customer sees."""
        return self.env["software.license.activation"].search(
            self._get_portal_devices_domain(),
            order="kind, active desc, last_seen desc, id desc",
            offset=offset,
            limit=limit,
        )

    def _count_portal_devices(self):
        self.ensure_one()
        devices = self.env["software.license.activation"]
        return devices.search_count(self._get_portal_devices_domain())

    def _get_portal_device(self, device_id):
        """Return a device of this license by its record's id, freed ones too."""
        self.ensure_one()
        devices = self.env["software.license.activation"]
        return devices.with_context(active_test=False).search(
            [("license_id", "=", self.id), ("id", "=", device_id)]
        )

    def _free_for_customer(self, device):
        """Free the seat of a device from the portal; return the code of a notice.

        A customer who frees by hand is bound as the software is that frees its own
        seat: by the policy's switch, and by the one yearly allowance, which both use
        up. A freed device goes on until its token or license file ends, so whoever
        frees without end runs more devices than were paid for; a portal without the
        allowance would be the way around it. By default a policy lets devices be
        freed and sets no limit: then nobody needs to write a ticket.

        An instance that takes no seat gives none back: it costs nothing.
        """
        self.ensure_one()
        self._lock_seats()  # see _check_seats: a rival's call is tried again by Odoo
        device.invalidate_recordset()
        if device.status != "seated":
            return "blocked" if device.blocked else "not_seated"
        if not device._can_customer_free():
            return "not_allowed"
        is_counted = device._is_counted()
        if is_counted:
            self._take_self_deactivation()
        self._free_device(device.device_id, (device.kind,))
        self.message_post(
            body=self.env._(
                "Device freed in the portal: %(device)s.", device=device.display_name
            )
        )
        return "freed" if is_counted else "removed"


class SoftwareLicenseActivation(models.Model):
    """What a customer reads of a device, and may do with it."""

    _inherit = "software.license.activation"

    def _is_counted(self):
        """Would its seat count against the limit?"""
        return bool(self.filtered_domain(COUNTED))

    def _can_customer_free(self):
        """Whether the portal offers to free this device."""
        self.ensure_one()
        if self.status != "seated":
            return False
        left = self.license_id._get_self_deactivations_left()
        return not self._is_counted() or left is None or left > 0

    def _rename_for_customer(self, label):
        """Let the customer call the device something; nothing: as it calls itself."""
        self.ensure_one()
        words = "".join(
            char if char.isprintable() else " " for char in str(label or "")
        ).split()
        self.label = " ".join(words)[:MAX_LABEL].strip() or False

    def _describe_last_seen(self):
        """Return when the device last asked: how long ago, and on which day."""
        self.ensure_one()
        moment = fields.Datetime.context_timestamp(self, self.last_seen)
        return self.env._(
            "Last check-in: %(ago)s (%(date)s)",
            ago=self._describe_age(),
            date=format_date(self.env, moment.date(), date_format="long"),
        )

    def _describe_age(self):
        delta = self.last_seen - fields.Datetime.now()
        if delta > timedelta(minutes=-1):
            return self.env._("just now")
        locale = babel_locale_parse(get_lang(self.env).code)
        return format_timedelta(
            delta, granularity="minute", add_direction=True, locale=locale
        )

    def _explain_status(self):
        """Return what there is to know of its seat, None if nothing."""
        self.ensure_one()
        if self.status == "lapsed":
            return self.env._(
                "It did not check in for so long that others may take its seat. It "
                "gets one again when it next asks, if there is one."
            )
        if self.status == "blocked":
            return self.env._(
                "It can't use this license. Contact %(company)s.",
                company=self.company_id.name,
            )
        if self.lease_expires_at:
            return self.env._(
                "It keeps its seat until %(moment)s, and longer if it checks in "
                "before.",
                moment=self.license_id._describe_moment(self.lease_expires_at),
            )
        return None
