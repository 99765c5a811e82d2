import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import entitlement, payload, strict_json


class SoftwareLicenseFeaturesMixin(models.AbstractModel):
    """A Json object of features, and its text: what a person edits.

    The rows of the form's widget (``static/src/features_field``) are made of the text
    and written to it, so that a number keeps every digit on its way through a browser.
    """

    _name = "software.license.features.mixin"
    _description = "Features of a software license"

    features = fields.Json(
        help="What the software may do, as it is told by the HTTP API: an object of "
        'switches, numbers and texts, such as {"export": true, "max_users": 50}.',
    )
    features_text = fields.Text(
        string="Features (JSON)",
        compute="_compute_features_text",
        inverse="_inverse_features_text",
        help="The features as a JSON object.",
    )
    features_summary = fields.Char(
        string="Included Features", compute="_compute_features_summary"
    )

    @api.depends("features")
    def _compute_features_text(self):
        for record in self:
            record.features_text = (
                # The order is of no meaning, and PostgreSQL keeps none.
                json.dumps(
                    record.features, indent=2, ensure_ascii=False, sort_keys=True
                )
                if record.features
                else False
            )

    def _inverse_features_text(self):
        for record in self:
            try:
                record.features = strict_json.loads(record.features_text or "null")
            except ValueError as error:
                raise ValidationError(
                    self.env._("Features: this is not JSON (%(error)s).", error=error)
                ) from error

    @api.depends("features")
    def _compute_features_summary(self):
        for record in self:
            described = entitlement.describe(record.features or {})
            record.features_summary = ", ".join(described)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_bad_features(vals.get("features"))
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_bad_features(vals.get("features"))
        return super().write(vals)

    @api.model
    def _refuse_bad_features(self, features):
        """Raise ValidationError for what are no features, before PostgreSQL does."""
        if not features:
            return
        if not isinstance(features, dict):
            raise ValidationError(
                self.env._(
                    "Features must be a JSON object, such as %(example)s.",
                    example='{"export": true}',
                )
            )
        if problem := payload.get_features_problem(features):
            raise ValidationError(
                self.env._("Features: this %(problem)s.", problem=problem)
            )
