from odoo import models
from odoo.exceptions import AccessError, UserError

#: Which state may follow which; nothing follows "revoked".
TRANSITIONS = {
    "active": {"suspended", "revoked"},
    "suspended": {"active", "revoked"},
    "revoked": set(),
}


class SoftwareLicense(models.Model):
    """The state, which people set: active, suspended, or revoked for good."""

    _inherit = "software.license"

    def _check_transition(self, target):
        """The one gate of the state: raise unless every license may get there."""
        labels = dict(self._fields["state"]._description_selection(self.env))
        for license_ in self:
            if target != license_.state and target not in TRANSITIONS[license_.state]:
                raise UserError(
                    self.env._(
                        "License %(key)s is %(state)s: it can't become %(target)s.",
                        key=license_._get_masked_names(),
                        state=labels[license_.state],
                        target=labels[target],
                    )
                )
        if target == "revoked" and set(self.mapped("state")) != {target}:
            self._check_is_manager()

    def _check_is_manager(self, refusal=None):
        manager = "software_license.group_license_manager"
        if not self.env.su and not self.env.user.has_group(manager):
            raise AccessError(
                refusal
                or self.env._("Only a license manager can revoke or archive a license.")
            )

    def action_suspend(self):
        """Stop the license until it is reinstated."""
        return self._set_state("suspended")

    def action_reinstate(self):
        """Let a suspended license run again."""
        return self._set_state("active")

    def action_revoke(self):
        """Stop the license for good."""
        return self._set_state("revoked")

    def _set_state(self, target):
        self.check_access("write")  # also of those that are in that state already
        self.filtered(lambda license_: license_.state != target).state = target
        return True  # XML-RPC has no None
