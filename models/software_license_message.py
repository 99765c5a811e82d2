import logging

from markupsafe import Markup
from psycopg2 import OperationalError

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

_logger = logging.getLogger(__name__)

KINDS = [
    ("issued", "Key Issued"),
    ("renewed", "Renewed"),
    ("expiring", "About to Expire"),
    ("expired", "Expired"),
    ("payment_failed", "Payment Failed"),
]
#: What the state of a queued e-mail means; one that is sent is removed.
MAIL_STATES = {"outgoing": "queued", "exception": "failed", "cancel": "canceled"}


class SoftwareLicenseMessage(models.Model):
    """One thing that a customer was told about licenses, by one e-mail.

    It is written in the transaction that queues the e-mail: there is either both or
    nothing. Sending is then the work of Odoo's own queue.
    """

    _name = "software.license.message"
    _description = "License Message"
    _order = "id desc"
    _rec_name = "kind"
    _check_company_auto = True

    kind = fields.Selection(KINDS, required=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Customer",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    email = fields.Char(readonly=True, help="The customer's address at that time.")
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade"
    )
    license_ids = fields.Many2many(
        "software.license",
        "software_license_message_license_rel",
        "message_id",
        "license_id",
        string="Licenses",
        readonly=True,
        context={"active_test": False},
    )
    renewed_license_ids = fields.Many2many(
        "software.license",
        "software_license_message_renewed_rel",
        "message_id",
        "license_id",
        string="Renewed Licenses",
        readonly=True,
        help="Those of the licenses that the customer had before.",
    )
    move_id = fields.Many2one(
        "account.move",
        string="Invoice",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    transaction_id = fields.Many2one(
        "payment.transaction",
        string="Payment Transaction",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
    )
    occasion_at = fields.Datetime(
        readonly=True,
        help="The moment that it is about: when the license ends or ended, or when "
        "the payment was undone.",
    )
    notice_days = fields.Integer(
        readonly=True, help="Sent when the license had so many days left, or less."
    )
    reference = fields.Char(
        readonly=True, help="What it is about; nobody is told twice of the same."
    )
    mail_id = fields.Many2one(
        "mail.mail",
        string="E-mail",
        readonly=True,
        index="btree_not_null",
        ondelete="set null",
        help="Empty once it was sent.",
    )
    failure_reason = fields.Char(readonly=True)
    state = fields.Selection(
        [
            ("queued", "Queued"),
            ("sent", "Sent"),
            ("failed", "Failed"),
            ("canceled", "Canceled"),
        ],
        compute="_compute_state",
        search="_search_state",
        compute_sudo=True,
    )
    problem = fields.Char(compute="_compute_state", compute_sudo=True)

    _reference_unique = models.UniqueIndex(
        "(reference)", "The customer was told of this already."
    )

    @api.depends("failure_reason", "mail_id.state", "mail_id.failure_reason")
    def _compute_state(self):
        for message in self:
            mail = message.mail_id
            message.problem = message.failure_reason or mail.failure_reason
            message.state = (
                "failed"
                if message.failure_reason
                else MAIL_STATES.get(mail.state, "sent")
            )

    def _search_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        Mails = self.env["mail.mail"].sudo()  # of which users may read none
        failed = Domain("failure_reason", "!=", False)
        domains = {
            state: ~failed
            & Domain("mail_id", "in", Mails._search([("state", "=", it)]))
            for it, state in MAIL_STATES.items()
        }
        domains["failed"] |= failed
        domains["sent"] = ~Domain.OR(domains.values())
        return Domain.OR(domains[state] for state in value if state in domains)

    @api.depends("kind", "partner_id")
    def _compute_display_name(self):
        for message in self:
            customer = message.partner_id.display_name
            message.display_name = f"{message._get_kind_name()}: {customer}"

    def _get_kind_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        return kinds.get(self.kind)

    def action_try_again(self):
        """Queue the e-mails that failed once more."""
        self.check_access("read")
        self.env["software.license"].check_access("write")
        failed = self.sudo().filtered(lambda message: message.state == "failed")
        failed._check_still_true()
        failed.mail_id.mark_outgoing()
        failed.filtered("failure_reason")._queue()
        return True  # XML-RPC has no None

    def _check_still_true(self):
        """Refuse to send a key that was revoked, or is somebody else's by now."""
        for message in self:
            for license_ in message.license_ids:
                if license_.state == "revoked" or (
                    license_.partner_id != message.partner_id
                ):
                    raise UserError(
                        self.env._(
                            "%(message)s: the license was revoked, or moved to another "
                            "customer.",
                            message=message.display_name,
                        )
                    )

    # === SENDING === #

    @api.model
    def _get_template(self, kind):
        """Return the template of a kind of message; none: it is not sent."""
        template = self.env.ref(
            f"software_license.mail_template_{kind}", raise_if_not_found=False
        )
        return template.filtered("active") if template else self.env["mail.template"]

    @api.model
    def _send(self, vals_list):
        """Put messages on record, and queue their e-mails."""
        messages = self.create(vals_list)
        messages._queue()
        return messages

    def _queue(self):
        """Queue an e-mail for each; where that fails, the message says why."""
        for message in self:
            message.email = message.partner_id.email_normalized
            message.failure_reason = not message.email and self.env._(
                "The customer has no e-mail address."
            )
        for kind, messages in self.filtered("email").grouped("kind").items():
            messages._queue_with(self._get_template(kind))
        self._log()
        self._trigger_cron("mail.ir_cron_mail_scheduler_action")

    def _queue_with(self, template):
        """Queue e-mails of a template; one that can't be rendered stops no other."""
        try:
            with self.env.cr.savepoint():
                mails = template.send_mail_batch(self.ids)
                for message, mail in zip(self, mails, strict=True):
                    message.mail_id = mail
        except OperationalError:
            raise  # a rival's commit: the whole batch is tried again
        except Exception as error:  # noqa: BLE001 whatever a template holds
            if len(self) > 1:
                for message in self:
                    message._queue_with(template)
            else:
                self._note_failure(error)

    def _note_failure(self, error):
        """Say why there is no e-mail, without the key that an error may hold."""
        _logger.warning(
            "License message %s (%s) was not queued: %s",
            self.id,
            self.kind,
            type(error).__name__,
        )
        self.failure_reason = self.env._(
            "The e-mail template is missing or broken (%(error)s). "
            "Its preview shows what is wrong.",
            error=type(error).__name__,
        )

    # === CHATTER === #

    def _log(self):
        """Say on licenses and invoices what was sent, to whom, and why."""
        for records in ("license_ids", "move_id"):
            bodies = {}
            for message in self:
                body = message._get_log(about=records)
                for record in message[records]:
                    bodies.setdefault(record.id, []).append(body)
            self[records]._message_log_batch(
                {
                    record_id: Markup("<br/>").join(texts)
                    for record_id, texts in bodies.items()
                }
            )

    def _get_log(self, about):
        """Return the sentence for the chatter of the licenses, or of the invoice."""
        self.ensure_one()
        if self.failure_reason:
            text = self.env._(
                "Not e-mailed (%(kind)s): %(problem)s",
                kind=self._get_kind_name(),
                problem=self.failure_reason,
            )
        elif self.kind == "issued" and about == "move_id":
            text = self.env._(
                "License keys e-mailed to %(email)s: %(count)s.",
                email=self.email,
                count=len(self.license_ids),
            )
        else:
            text = self._get_log_of_kind()
        if about == "license_ids" and self.move_id:
            text = Markup("{} ({})").format(text, self.move_id._get_html_link())
        return text

    def _get_log_of_kind(self):
        values = {"email": self.email, "days": self.notice_days}
        texts = {
            "issued": self.env._("E-mailed the license key to %(email)s."),
            "renewed": self.env._("E-mailed %(email)s that the license is extended."),
            "expiring": self.env._(
                "E-mailed %(email)s that %(days)s days of the license are left at most."
            ),
            "expired": self.env._("E-mailed %(email)s that the license has ended."),
            "payment_failed": self.env._("E-mailed %(email)s that the payment failed."),
        }
        return texts[self.kind] % values

    # === WHAT AN E-MAIL SAYS === #

    def _get_new_licenses(self):
        """Return the licenses that the customer gets with this message."""
        return self.license_ids - self.renewed_license_ids

    def _get_product_names(self):
        """Return what the licenses are for, in the words of the invoice."""
        names = [
            license_._get_message_facts()["name"] for license_ in self.license_ids
        ] or self.move_id.invoice_line_ids._filter_licensed().product_id.mapped("name")
        return ", ".join(dict.fromkeys(names))

    def _is_about_trials(self):
        return bool(self.license_ids) and all(self.license_ids.mapped("trial_ends_at"))

    def _get_end(self):
        """Return the last day of licenses that end together."""
        return self.license_ids[:1]._get_message_facts()["until"]

    def _get_invoice_url(self):
        """Return where the customer sees, and pays, the invoice; if it is theirs.

        A license that was moved may be billed to the customer who had it before.
        """
        self.ensure_one()
        move = self.move_id
        if not move._is_of_license_customer(self.partner_id):
            return False
        return move and f"{move.get_base_url()}{move.get_portal_url()}"
