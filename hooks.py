def uninstall_hook(env):
    """Remove what Odoo leaves: what settings wrote, and rules that people made."""
    settings = [("key", "=like", "software_license.%")]
    env["ir.config_parameter"].search(settings).unlink()
    if "base.automation" in env:
        ours = [("model_id.model", "=like", "software.license%")]
        rules = env["base.automation"].with_context(active_test=False)
        rules.search(ours).unlink()
    # Its list of foreign keys: those on other modules' tables go with their columns.
    env.cr.execute(
        "DELETE FROM ir_model_constraint WHERE type = 'f' AND module ="
        " (SELECT id FROM ir_module_module WHERE name = 'software_license')"
    )
