"""The addon as Odoo sees it: a folder with its technical name, made of links.

The checkout may have any folder name, and `.dev/` lies inside it: a link to the whole
checkout would make walkers go round in circles.
"""

from . import paths

FOLDER = paths.ADDONS / paths.MODULE


def link():
    """Link each entry of the checkout; new files appear, dead links go."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {entry.name: entry for entry in paths.addon_entries()}
    for old in FOLDER.iterdir():
        if old.is_symlink() and old.name not in wanted:
            old.unlink()
    for name, entry in wanted.items():
        target = FOLDER / name
        if not target.is_symlink():
            target.symlink_to(entry)


def digest():
    """A hash of every file of the addon that an installed database depends on."""
    files = []
    for entry in paths.addon_entries():
        inside = sorted(entry.rglob("*")) if entry.is_dir() else [entry]
        files += [f for f in inside if f.is_file() and f.suffix != ".pyc"]
    return paths.digest(*(str(f.relative_to(paths.ROOT)) for f in files), *files)
