import json
import logging
import time

import requests

from odoo import api, fields, models

from ..tools import webhook

_logger = logging.getLogger(__name__)

#: Seconds to connect, and to wait for the answer.
TIMEOUT = 10
#: The answer of an address that wants nothing any more.
GONE = 410
#: Holds in ``precommit.data`` what is to be queued with the transaction.
QUEUED = "software_license.deliveries"


class SoftwareLicenseEventDelivery(models.Model):
    """One event on its way to one address, tried until it is taken.

    It is queued in the transaction of the event, and sent by a scheduled action: no
    payment waits for somebody else's server.
    """

    _name = "software.license.event.delivery"
    _description = "License Event Delivery"
    _order = "id desc"
    _rec_name = "event_id"

    event_id = fields.Many2one(
        "software.license.event",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    company_id = fields.Many2one(related="event_id.company_id", store=True)
    action_id = fields.Many2one(
        "ir.actions.server",
        string="Webhook",
        required=True,
        readonly=True,
        index=True,
        ondelete="cascade",
    )
    state = fields.Selection(
        [("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Failed")],
        required=True,
        readonly=True,
        default="waiting",
    )
    tries = fields.Integer(readonly=True, help="How often it was tried in vain.")
    next_try_at = fields.Datetime(readonly=True, default=fields.Datetime.now)
    problem = fields.Char(readonly=True, help="What came of the last try.")

    _due = models.Index("(next_try_at, id) WHERE state = 'waiting'")

    # === QUEUING === #

    @api.model
    def _queue(self, event_id, action):
        """Queue an event for an address; all of a transaction in one batch."""
        precommit = self.env.cr.precommit
        if QUEUED not in precommit.data:
            precommit.data[QUEUED] = []
            precommit.add(self._create_queued)
        vals = {"event_id": event_id, "action_id": action.id}
        precommit.data[QUEUED].append(vals)

    @api.model
    def _create_queued(self):
        vals_list = self.env.cr.precommit.data.pop(QUEUED, [])
        self.sudo().create(vals_list)._wake_up()

    @api.model
    def _wake_up(self):
        """Have what is due sent as soon as this transaction is committed."""
        self.env["software.license.message"]._trigger_cron(
            "software_license.cron_send_license_events"
        )

    def action_try_again(self):
        """Send these once more, from the first try on."""
        self.check_access("read")
        self.env["software.license.policy"].check_access("write")  # a manager
        self.sudo().write(
            {"state": "waiting", "tries": 0, "next_try_at": fields.Datetime.now()}
        )
        self._wake_up()
        return True  # XML-RPC has no None

    # === SENDING === #

    @api.model
    def _cron_send_license_events(self):
        """Send what is due, each in a transaction of its own.

        An address that does not answer is left alone for the rest of the run.
        """
        silent = self.env["ir.actions.server"]
        while delivery := self._get_next(silent):
            if delivery._send():
                silent |= delivery.action_id
            # Whether there is more shows the next search.
            if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                return
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _get_next(self, silent):
        """Return the delivery that is due first, but for those of some addresses."""
        due = [
            ("state", "=", "waiting"),
            ("next_try_at", "<=", fields.Datetime.now()),
            ("action_id", "not in", silent.ids),
        ]
        return self.search(due, order="next_try_at, id", limit=1)

    def _send(self):
        """Try once, and note what came of it; return whether the address is silent."""
        self.ensure_one()
        status, problem, is_silent = None, False, False
        try:
            status = self._post()
            if not 200 <= status < 300:
                problem = self.env._("Answered with HTTP status %s.", status)
        except Exception as error:  # noqa: BLE001 also what an override raises
            # Its text may hold the address, which may hold a password.
            problem = type(error).__name__
            is_silent = isinstance(error, requests.RequestException)
        self._note_try(status, problem)
        return is_silent

    def _post(self):
        """Post the event, signed; return the HTTP status of the answer."""
        action = self.action_id
        with self.env.cr.savepoint():
            payload = self.event_id._prepare_event_payload()
        body = json.dumps(payload).encode()
        signature = webhook.headers(
            self.event_id.reference,
            time.time(),
            body,
            action._get_license_webhook_secrets(),
        )
        with requests.post(
            action.webhook_url or "",
            data=body,
            headers={"Content-Type": "application/json", **signature},
            timeout=TIMEOUT,
            allow_redirects=False,
            stream=True,  # the answer's text is not for us
        ) as response:
            return response.status_code

    def _note_try(self, status, problem):
        """Note what came of a try, and when the next one is, if any."""
        vals = {"state": "sent", "problem": problem}
        if problem:
            tries = self.tries + 1
            pause = None if status == GONE else webhook.pause_after(tries)
            vals.update(state="waiting" if pause else "failed", tries=tries)
            if pause:
                vals["next_try_at"] = fields.Datetime.now() + pause
                cron = self.env.ref("software_license.cron_send_license_events")
                cron.sudo()._trigger(at=vals["next_try_at"])
            _logger.warning(
                "License event %s, webhook %s, try %s: %s",
                self.event_id.reference,
                self.action_id.id,
                tries,
                problem,
            )
        self.write(vals)
