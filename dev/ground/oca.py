"""OCA's subscription and contract modules, which the addon works with if present."""

import shutil

from . import paths, venv
from .console import step

ADDONS = paths.OCA / "odoo" / "addons"
MODULES = ("subscription_oca", "contract")


def prepare():
    """Fetch the pinned modules; they declare an `odoo` that no index has: no deps."""
    key = paths.digest(paths.REQUIREMENTS_OCA)
    if paths.is_current(paths.OCA, key):
        return
    with step("OCA's subscription and contract modules"):
        shutil.rmtree(paths.OCA, ignore_errors=True)
        venv.pip(
            "install",
            "--no-deps",
            "--target",
            paths.OCA,
            "-r",
            paths.REQUIREMENTS_OCA,
        )
        paths.mark_current(paths.OCA, key)
