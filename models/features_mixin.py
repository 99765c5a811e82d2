import json

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import strict_json


class SoftwareLicenseFeaturesMixin(models.AbstractModel):
    """A Json object of features that a person can edit as text."""

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

    @api.depends("features")
    def _compute_features_text(self):
        for record in self:
            record.features_text = (
                json.dumps(record.features, indent=2, ensure_ascii=False)
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

    @api.constrains("features")
    def _check_features(self):
        for record in self:
            if record.features and not isinstance(record.features, dict):
                raise ValidationError(
                    self.env._(
                        "Features must be a JSON object, such as %(example)s.",
                        example='{"export": true}',
                    )
                )
