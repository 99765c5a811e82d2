import json
import logging
import time
from datetime import timedelta

import requests

from odoo import api, fields, models
from odoo.fields import Domain

from ..tools import webhook

_logger = logging.getLogger(__name__)

#: Seconds to connect, and to wait for the answer.
TIMEOUT = 10
#: An answer that takes more seconds is not waited for again while others wait.
SLOW = 2
#: For so long an address is left alone that is in trouble, or slow.
BREAK = timedelta(minutes=1)
#: The answer of an address that wants nothing any more.
GONE = 410
TOO_MANY_REQUESTS = 429
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

    _due = models.Index("(action_id, next_try_at, id) WHERE state = 'waiting'")

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
        """Send what is due by now, each in a transaction of its own.

        Addresses take turns. What comes up meanwhile is left to the next run, so that
        this one ends.
        """
        now = fields.Datetime.now()
        actions = self._get_due_actions(now)
        while actions:
            for action in actions:
                delivery = self._get_next(action, now)
                if not delivery:
                    actions -= action
                    continue
                delivery._take_turn(has_rivals=len(actions) > 1)
                # Whether there is more shows the next search.
                if not self.env["ir.cron"]._commit_progress(1, remaining=1):
                    return
        self.env["ir.cron"]._commit_progress(remaining=0)

    @api.model
    def _get_due_domain(self, now):
        return Domain("state", "=", "waiting") & Domain("next_try_at", "<=", now)

    @api.model
    def _get_due_actions(self, now):
        """Return the actions that have something to send."""
        groups = self._read_group(self._get_due_domain(now), ["action_id"])
        return self.env["ir.actions.server"].union(*(action for (action,) in groups))

    @api.model
    def _get_next(self, action, now):
        """Return the delivery of an action that is due first, if any."""
        due = self._get_due_domain(now) & Domain("action_id", "=", action.id)
        return self.search(due, order="next_try_at, id", limit=1)

    def _take_turn(self, has_rivals):
        """Send this, if it still is to be sent; put off its address if that went badly.

        The database remembers it, as the scheduler calls for one run several times.
        """
        self.ensure_one()
        action = self.action_id
        obstacle = action._get_license_webhook_obstacle()
        if obstacle:
            waiting = self._search_waiting(action)
            waiting.write({"state": "failed", "problem": obstacle})
            return
        start = time.monotonic()
        is_troubled = self._send()
        is_slow = time.monotonic() - start > SLOW
        if is_troubled or (is_slow and has_rivals):
            self._put_off(action, fields.Datetime.now() + BREAK)

    @api.model
    def _search_waiting(self, action, *conditions):
        return self.search(
            [("state", "=", "waiting"), ("action_id", "=", action.id), *conditions]
        )

    @api.model
    def _put_off(self, action, until):
        """Try nothing of an action before a moment."""
        sooner = self._search_waiting(action, ("next_try_at", "<", until))
        if sooner:
            sooner.next_try_at = until
            self._wake_up_at(until)

    @api.model
    def _wake_up_at(self, moment):
        cron = self.env.ref("software_license.cron_send_license_events")
        cron.sudo()._trigger(at=moment)

    def _send(self):
        """Try once, note what came of it; return whether the address is in trouble."""
        self.ensure_one()
        status, problem, is_troubled = None, False, False
        try:
            status = self._post()
            if not 200 <= status < 300:
                problem = self.env._("Answered with HTTP status %s.", status)
                is_troubled = status >= 500 or status == TOO_MANY_REQUESTS
        except Exception as error:  # noqa: BLE001 also what an override raises
            # Its text may hold the address, which may hold a password.
            problem = type(error).__name__
            is_troubled = isinstance(error, requests.RequestException)
        self._note_try(status, problem)
        return is_troubled

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
                self._wake_up_at(vals["next_try_at"])
            _logger.warning(
                "License event %s, webhook %s, try %s: %s",
                self.event_id.reference,
                self.action_id.id,
                tries,
                problem,
            )
        self.write(vals)
