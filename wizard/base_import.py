from odoo import api, models

from ..models.software_license_activation import CREATABLE_FIELDS

LICENSE = "software.license"
#: Read-only on the screen, and given once: in a file they may be.
GIVEN_FIELDS = ("license_key", "state")
#: Nothing that a person writes into a file: what is derived, said in other words, or
#: kept by Odoo. Of the end there is the last day, which cannot be misread.
LEFT_OUT_FIELDS = {"expires_at", "features", "term_ids"}
LEFT_OUT_PREFIXES = ("message_", "activity_", "website_message_", "rating_", "my_")


class BaseImport(models.TransientModel):
    """Which columns of a file may be mapped to a license."""

    _inherit = "base_import.import"

    @api.model
    def get_fields_tree(self, model, *args, **kwargs):
        tree = super().get_fields_tree(model, *args, **kwargs)
        if model != LICENSE:
            return tree
        tree = [field for field in tree if not _is_left_out(field["id"])]
        for field in tree:
            if field["id"] == "activation_ids":
                kept = (CREATABLE_FIELDS - {"license_id"}) | {"id", ".id"}
                field["fields"] = [it for it in field["fields"] if it["id"] in kept]
        names = {field["id"] for field in tree}
        labels = self.env[LICENSE].fields_get(GIVEN_FIELDS, ["string", "type"])
        return tree + [
            {
                "id": name,
                "name": name,
                "string": label["string"],
                "required": False,
                "fields": [],
                "type": label["type"],
                "model_name": model,
            }
            for name, label in labels.items()
            if name not in names
        ]


def _is_left_out(name):
    return name in LEFT_OUT_FIELDS or name.startswith(LEFT_OUT_PREFIXES)
