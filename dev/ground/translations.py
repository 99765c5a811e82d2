"""Bring the languages of i18n/ in step with the template; dev/pot runs it.

With `--check` it changes nothing, and only says how many texts each language lacks.
A program of its own: polib is in the virtual environment, not on the machine.
"""

import sys
from pathlib import Path

import polib


def main(folder, is_check):
    template = polib.pofile(folder / "software_license.pot", wrapwidth=78)
    for path in sorted(folder.glob("*.po")):
        print(f"{path.name}: {update(path, template, is_check)} to translate")


def update(path, template, is_check):
    """Give a language the template's texts; return how many have no translation."""
    language = polib.pofile(path, wrapwidth=78)
    language.merge(template)
    for entry in language.obsolete_entries():
        language.remove(entry)
    if not is_check:
        language.save(path)
    return len(language.untranslated_entries()) + len(language.fuzzy_entries())


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--check" in sys.argv[2:])
