"""What a database is made of, by SQL, and whether all of it opens, by RPC."""

PARTS = {
    "column": "SELECT table_name || '.' || column_name"
    " FROM information_schema.columns WHERE table_schema = 'public'",
    "index": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": "SELECT conrelid::regclass || '.' || conname"
    " FROM pg_constraint WHERE connamespace = 'public'::regnamespace",
    "model": "SELECT model FROM ir_model",
    "field": "SELECT model || '.' || name FROM ir_model_fields",
    # Odoo itself leaves behind those that its own modules gave to parts of ours.
    "external id": "SELECT module || '.' || name FROM ir_model_data WHERE module NOT IN"
    " (SELECT name FROM ir_module_module WHERE state = 'installed')",
    "view": "SELECT coalesce(model, '') || ': ' || name FROM ir_ui_view",
    "menu": "SELECT name->>'en_US' FROM ir_ui_menu",
    "action": "SELECT type || ': ' || (name->>'en_US') FROM ir_actions",
    "scheduled action": "SELECT cron_name FROM ir_cron",
    "parameter": "SELECT key FROM ir_config_parameter",
    "group": "SELECT name->>'en_US' FROM res_groups",
    "rule": "SELECT name FROM ir_rule",
    "access right": "SELECT name FROM ir_model_access",
    "mail template": "SELECT name->>'en_US' FROM mail_template",
    "default": "SELECT name FROM ir_default JOIN ir_model_fields f ON f.id = field_id",
    "message": "SELECT model FROM mail_message"
    " WHERE model NOT IN (SELECT model FROM ir_model)",
    "follower": "SELECT res_model FROM mail_followers"
    " WHERE res_model NOT IN (SELECT model FROM ir_model)",
    "attachment": "SELECT res_model FROM ir_attachment"
    " WHERE res_model NOT IN (SELECT model FROM ir_model)",
}


def take(place, db):
    """Return the names of all that a database is made of."""
    return {
        f"{part} {name}"
        for part, query in PARTS.items()
        for name in place.postgres.sql(query, db=db)
    }


def open_all(rpc, models):
    """Open the models' forms, lists and searches, and read every field there is."""
    for model in models:
        kinds = [[False, kind] for kind in ("form", "list", "search")]
        rpc(model, "get_views", kinds)
        found = rpc(model, "search", [], limit=200)
        rpc(model, "read", found)
        rpc(model, "web_search_read", [], _listed_fields(rpc, model))


def follow_menus(rpc):
    """Open the views of every menu that the user has, as a click on it does."""
    menus = rpc("ir.ui.menu", "load_menus", False).values()
    actions = {
        menu["action_id"]
        for menu in menus
        if menu.get("action_model") == "ir.actions.act_window"
    }
    for action in rpc("ir.actions.act_window", "read", sorted(actions)):
        kinds = [[view, kind] for view, kind in action["views"]]
        rpc(action["res_model"], "get_views", kinds)
    return len(actions)


def _listed_fields(rpc, model):
    """Return the specification of what the model's list shows."""
    views = rpc(model, "get_views", [[False, "list"]])
    return {name: {} for name in views["models"][model]["fields"]}
