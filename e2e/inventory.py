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
    "function": "SELECT proname FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace",
    "trigger": "SELECT tgrelid::regclass || '.' || tgname FROM pg_trigger"
    " WHERE NOT tgisinternal",
    "sequence": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'",
    "view of the database": "SELECT viewname FROM pg_views WHERE schemaname = 'public'",
    "selection": "SELECT f.model || '.' || f.name || ' ' || s.value"
    " FROM ir_model_fields_selection s JOIN ir_model_fields f ON f.id = s.field_id",
    "registered constraint": "SELECT name FROM ir_model_constraint",
    "registered relation": "SELECT name FROM ir_model_relation",
    "asset": "SELECT path FROM ir_asset",
    "privilege": "SELECT name->>'en_US' FROM res_groups_privilege",
    "subtype": "SELECT name->>'en_US' FROM mail_message_subtype",
    "activity": "SELECT res_model FROM mail_activity"
    " WHERE res_model NOT IN (SELECT model FROM ir_model)",
    "filter": "SELECT model_id FROM ir_filters"
    " WHERE model_id NOT IN (SELECT model FROM ir_model)",
    "export": "SELECT resource FROM ir_exports"
    " WHERE resource NOT IN (SELECT model FROM ir_model)",
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


#: What an installed addon is made of, and the values that must be those of today.
#: Tables of wizards are left out: nothing in them is kept.
MODULE_PARTS = {
    "external id": "SELECT model || ' ' || name || CASE WHEN noupdate THEN"
    " ' (noupdate)' ELSE '' END FROM ir_model_data WHERE module = 'software_license'",
    "column": "SELECT table_name || '.' || column_name || ' ' || data_type"
    " || ' ' || is_nullable FROM information_schema.columns"
    " WHERE table_schema = 'public' AND (table_name LIKE 'software_license%'"
    " OR column_name LIKE '%license%')",
    "index": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    " AND (tablename LIKE 'software_license%' OR indexname LIKE '%license%')",
    "constraint": "SELECT conrelid::regclass || '.' || conname || ' '"
    " || pg_get_constraintdef(oid) FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace"
    " AND (conrelid::regclass::text LIKE 'software_license%'"
    " OR conname LIKE '%license%')",
    "view of the database": "SELECT viewname || definition FROM pg_views"
    " WHERE viewname LIKE 'software_license%'",
    "rule": "SELECT d.name || ' ' || coalesce(r.name, '') || ' ' || domain_force"
    " || ' ' || active || perm_read || perm_write || perm_create || perm_unlink"
    " || coalesce((SELECT string_agg(g.name->>'en_US', ',' ORDER BY g.id)"
    " FROM rule_group_rel rel JOIN res_groups g ON g.id = rel.group_id"
    " WHERE rel.rule_group_id = r.id), '')"
    " FROM ir_rule r JOIN ir_model_data d ON d.res_id = r.id"
    " AND d.model = 'ir.rule' WHERE d.module = 'software_license'",
    "access right": "SELECT a.name || ' ' || m.model || ' '"
    " || coalesce(g.name->>'en_US', '') || perm_read || perm_write || perm_create"
    " || perm_unlink FROM ir_model_access a JOIN ir_model m ON m.id = a.model_id"
    " LEFT JOIN res_groups g ON g.id = a.group_id"
    " WHERE m.model LIKE 'software.license%'",
    "group": "SELECT d.name || ' ' || (g.name->>'en_US') || ' '"
    " || coalesce(g.comment->>'en_US', '') || coalesce((SELECT string_agg("
    "i.name->>'en_US', ',' ORDER BY i.id) FROM res_groups_implied_rel rel"
    " JOIN res_groups i ON i.id = rel.hid WHERE rel.gid = g.id), '')"
    " FROM res_groups g JOIN ir_model_data d ON d.res_id = g.id"
    " AND d.model = 'res.groups' WHERE d.module = 'software_license'",
    "scheduled action": "SELECT d.name || ' ' || c.cron_name || ' '"
    " || interval_number || interval_type || c.active || coalesce(s.code, '')"
    " FROM ir_cron c JOIN ir_act_server s ON s.id = c.ir_actions_server_id"
    " JOIN ir_model_data d ON d.res_id = c.id AND d.model = 'ir.cron'"
    " WHERE d.module = 'software_license'",
    "server action": "SELECT d.name || ' ' || (s.name->>'en_US') || s.state"
    " || coalesce(s.code, '') FROM ir_act_server s JOIN ir_model_data d"
    " ON d.res_id = s.id AND d.model = 'ir.actions.server'"
    " WHERE d.module = 'software_license'",
    "mail template": "SELECT d.name || ' ' || (t.subject->>'en_US')"
    " || (t.body_html->>'en_US') FROM mail_template t JOIN ir_model_data d"
    " ON d.res_id = t.id AND d.model = 'mail.template'"
    " WHERE d.module = 'software_license'",
    "view": "SELECT key || (arch_db->>'en_US') FROM ir_ui_view"
    " WHERE key LIKE 'software_license.%'",
    "menu": "SELECT d.name || ' ' || (m.name->>'en_US') || m.sequence"
    " FROM ir_ui_menu m JOIN ir_model_data d ON d.res_id = m.id"
    " AND d.model = 'ir.ui.menu' WHERE d.module = 'software_license'",
    "function": "SELECT proname FROM pg_proc"
    " WHERE pronamespace = 'public'::regnamespace AND proname LIKE '%license%'",
    "trigger": "SELECT tgname FROM pg_trigger WHERE tgname LIKE '%license%'",
}


def take_module(place, db):
    """Return what the installed addon is made of, with its values."""
    return {
        f"{part} {said}"
        for part, query in MODULE_PARTS.items()
        for said in place.postgres.sql(_one_line(query), db=db)
    }


def _one_line(query):
    """Return a query whose values have no line breaks: rows are read by line."""
    return f"SELECT replace(it.it, chr(10), ' ') FROM ({query}) AS it (it)"


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
