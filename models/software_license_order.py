from odoo import Command, api, fields, models

from .software_license_billing import QUIET


class SoftwareLicense(models.Model):
    """Keys before payment: on confirmed orders, and trials given by hand."""

    _inherit = "software.license"

    @api.model
    def _grant_on_order(self, order_line):
        """Give a confirmed order line its licenses, or bring them up to date.

        A line that gave nothing yet, and whose licenses are there, renews them: its
        payment will.
        """
        terms = order_line.license_term_ids
        terms = (terms - terms._filter_of_other_application()).sorted("id")
        # Once paid, they may be known by the subscription that bills them.
        identity = terms.license_id[:1].billing_identity
        identity = identity or order_line._license_identity()
        known = self.with_context(active_test=False).search(
            [("billing_identity", "=", identity)]
        )
        if known and not terms:
            return
        units = order_line._get_license_units()
        terms[:units]._set_quantity(order_line._get_term_quantity())
        terms[units:]._set_quantity(0)
        if not order_line._is_license_due_on_order():
            return
        term_vals = self._prepare_order_term_vals(order_line)
        if terms:  # what is ordered more is no trial of its own
            term_vals.update(terms[:1].read(["date_start", "date_end"], load="")[0])
            term_vals.pop("id")
        last = max(known.mapped("billing_unit"), default=0)
        self._create_on_order(
            order_line,
            identity,
            range(last + 1, last + 1 + units - len(known)),
            term_vals,
        )

    @api.model
    def _create_on_order(self, order_line, identity, units, term_vals):
        licenses = self.with_context(**QUIET).create(
            [
                {
                    **self._prepare_order_license_vals(order_line),
                    "billing_identity": identity,
                    "billing_unit": unit,
                    "term_ids": [Command.create(term_vals)],
                }
                for unit in units
            ]
        )
        body = self.env._(
            "Issued before payment: order %(order)s was confirmed.",
            order=order_line.order_id._get_html_link(),
        )
        licenses._message_log_batch({license_.id: body for license_ in licenses})

    @api.model
    def _prepare_order_license_vals(self, order_line):
        """Return the values of a license issued on an order; override it."""
        return {
            "partner_id": order_line.order_id.partner_id.id,
            "product_id": order_line.product_id.id,
            "policy_id": order_line.product_id._get_license_policy().id,
            "company_id": order_line.company_id.id,
            "sale_line_id": order_line.id,
        }

    @api.model
    def _prepare_order_term_vals(self, order_line):
        """Return the values of the term that an order line gives before payment."""
        policy, today = order_line.product_id._get_license_policy(), fields.Date.today()
        is_trial = bool(policy.trial_days)
        start, end = today, order_line.order_id._get_license_due_date(today)
        if is_trial:
            start, end = policy._get_trial_period(today)
        return {
            "source": "trial" if is_trial else "order",
            "sale_line_id": order_line.id,
            "product_id": order_line.product_id.id,
            "policy_id": policy.id,
            "date_start": start,
            "date_end": end,
            "quantity": order_line._get_term_quantity(),
        }

    @api.model
    def _give_trial(self, partner, policy, days, vals=None):
        """Return a new license on trial; the caller asks whether it may be given.

        ``vals`` are further values of the license.
        """
        start, end = policy._get_trial_period(fields.Date.today(), days)
        term_vals = {
            "source": "trial",
            "policy_id": policy.id,
            "date_start": start,
            "date_end": end,
        }
        return self._issue(
            [
                {
                    **(vals or {}),
                    "partner_id": partner.id,
                    "policy_id": policy.id,
                    "term_ids": [Command.create(term_vals)],
                }
            ]
        )
