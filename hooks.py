def uninstall_hook(env):
    """Remove the settings: Odoo takes away records, not what settings wrote."""
    settings = [("key", "=like", "software_license.%")]
    env["ir.config_parameter"].search(settings).unlink()
