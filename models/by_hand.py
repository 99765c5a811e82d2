"""Fields that only the addon itself writes, whoever calls by RPC."""

from odoo.exceptions import AccessError


def refuse(model, names):
    """Raise when a caller, not the addon itself, sets fields of these names."""
    names = sorted(names)
    if names and not model.env.su:
        raise AccessError(
            model.env._(
                "These fields are not set by hand: %(fields)s",
                fields=", ".join(names),
            )
        )


def refuse_new(model, names, vals_list):
    """Raise when new records get such fields by values, or by a caller's defaults."""
    if not model.env.su:
        defaults = model.default_get(sorted(names))
        for vals in vals_list:
            given = {**defaults, **vals}
            refuse(model, [name for name in names if _is_set(name, given)])


def _is_set(name, vals):
    return vals.get(name) and (name, vals[name]) != ("state", "draft")
