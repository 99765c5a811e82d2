"""The addon's texts: the template that Odoo exports, and the languages beside it."""

from . import console, paths, venv
from .workplace import Workplace

FOLDER = paths.ROOT / "i18n"
TEMPLATE = FOLDER / f"{paths.MODULE}.pot"
PROGRAM = paths.ROOT / "dev/ground/translations.py"


def write(place: Workplace):
    """Export the template anew, bring the languages in step, say what is left."""
    before = TEMPLATE.read_text() if TEMPLATE.exists() else ""
    db = place.databases.fresh("pot", base="core", install=[paths.MODULE])
    config = place.odoo.config(db, http_enable=False)
    command = [*place.odoo.command(config), "-d", db, "-l", "pot", "-o", TEMPLATE]
    # Odoo's program takes the name of its part first, and then the options.
    command[2:4] = ["i18n", "export", "-c", config]
    console.run([*command, paths.MODULE], "pot", env=place.odoo.environment())
    place.databases.drop(db)
    if _texts(TEMPLATE.read_text()) == _texts(before):
        TEMPLATE.write_text(before)  # only its date is another: no change to commit
    console.say(f"wrote {console.shown(TEMPLATE)}")
    (paths.LOGS / "translations.log").unlink(missing_ok=True)
    console.run([venv.PYTHON, PROGRAM, FOLDER], "translations")
    said = (paths.LOGS / "translations.log").read_text().splitlines()
    console.say("\n".join(line for line in said if line.endswith("to translate")))


def _texts(template):
    """A template without the days on which it was made."""
    return [line for line in template.splitlines() if "-Date: " not in line]
