"""Whether the checkout can be released, and what is then built of it.

Each rule is a function that yields what is wrong, in sentences. Those of `RULES` hold
all the time, and dev/test asks them; those of `FINAL` hold on the day of a release.
"""

import ast
import re
import shutil
import subprocess
import time
from datetime import date

from . import packages, paths, pot, quotes, venv
from .console import Failure, say, shown
from .pytest_run import Result
from .workplace import Workplace, locked

DIST = paths.DEV / "dist"
CHANGELOG = paths.ROOT / "CHANGELOG.md"
VERSION = re.compile(r"19\.0\.\d+\.\d+\.\d+")
#: The changelog's headings: `## 19.0.1.0.0 (2026-11-22)`, `(unreleased)` until then.
HEADING = re.compile(r"^## (\S+)(?: \((.+)\))?$", re.MULTILINE)


def check(live=True):
    """The rules that hold all the time, as a step of dev/test."""
    begin = time.monotonic()
    venv.prepare()
    wrong = [f"{problem}\n" for rule in RULES for problem in rule()]
    result = Result("release", not wrong, time.monotonic() - begin)
    result.text = "see above" if wrong else ""
    result.held_back = wrong
    return [result]


def release():
    """Check all of it, build, and say what is left to do by hand."""
    with locked():
        venv.prepare()
        _refuse(problem for rule in (*RULES, *FINAL) for problem in rule())
        with Workplace() as place:
            pot.write(place)
        _refuse(f"{line}: dev/pot changed it: commit it" for line in _changes())
        shutil.rmtree(DIST, ignore_errors=True)
        for folder in (packages.ADDON, packages.CLIENT):
            packages.build(folder, DIST, "wheel", "sdist")
        built = sorted(DIST.iterdir())
        packages.check(*built)
    say("\n".join(["built and checked:", *(f"   {shown(path)}" for path in built)]))
    say(NEXT.format(version=version(), twine=shown(paths.VENV / "bin/twine")))


NEXT = """
left to do, once .ci/run has passed on this commit:
   git tag {version} && git push origin {version}
   {twine} upload .dev/dist/odoo_addon_*
   {twine} upload .dev/dist/software_license_client-*   (if its version is new)"""


def version():
    """The version in the manifest."""
    return ast.literal_eval((paths.ROOT / "__manifest__.py").read_text())["version"]


def _refuse(problems):
    problems = list(problems)
    if problems:
        say("\n".join(problems))
        raise Failure(f"{len(problems)} to mend before a release; nothing was built")


# === WHAT MUST HOLD ALWAYS === #


def version_is_one():
    """The changelog begins with the version of the manifest."""
    if not VERSION.fullmatch(version()):
        yield f"__manifest__.py: {version()} is no version such as 19.0.1.2.3"
    newest, _said = _newest_heading()
    if newest != version():
        yield f"CHANGELOG.md begins with {newest}, the manifest says {version()}"


def version_goes_up():
    """No release was a later one."""
    last = _last_tag()
    if last and _parts(version()) < _parts(last):
        yield f"__manifest__.py: {version()} is older than the release {last}"


def migrations_are_reached():
    """Odoo runs the folders up to the manifest's version, and no others."""
    for folder in sorted((paths.ROOT / "migrations").glob("*")):
        if not VERSION.fullmatch(folder.name):
            yield f"{shown(folder)}: its name is no version such as 19.0.1.2.3"
        elif _parts(folder.name) > _parts(version()):
            yield f"{shown(folder)}: Odoo never runs it, the addon is {version()}"


def texts_are_translated():
    """Every language has all texts of the template."""
    command = [venv.PYTHON, pot.PROGRAM, pot.FOLDER, "--check"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in said.splitlines():
        if not line.endswith(": 0 to translate"):
            yield f"i18n/{line}"


def figures_are_measured():
    """What documents quote of dev/bench is what it measured last."""
    for name in quotes.find_stale():
        yield f"{name}: it quotes other figures than benchmarks/results"


# === WHAT MUST HOLD ON THE DAY OF A RELEASE === #


def tree_is_clean():
    """What is built is what is committed."""
    for line in _changes():
        yield f"{line}: not committed"


def version_is_new():
    """The version was not released before."""
    if _last_tag() == version():
        yield f"{version()} was released: give manifest and changelog a higher version"


def changelog_is_dated():
    """The changelog says when: at the latest today."""
    newest, said = _newest_heading()
    try:
        is_past = date.fromisoformat(said or "") <= date.today()
    except ValueError:
        is_past = False
    if not is_past:
        yield f"CHANGELOG.md: say when, as in `## {newest} ({date.today()})`"


RULES = (
    version_is_one,
    version_goes_up,
    migrations_are_reached,
    texts_are_translated,
    figures_are_measured,
)
FINAL = (tree_is_clean, version_is_new, changelog_is_dated)


def _newest_heading():
    """The version and the date (or what stands for it) of the newest heading."""
    found = HEADING.search(CHANGELOG.read_text())
    return found.groups() if found else (None, None)


def _last_tag():
    """The highest version that is a tag, if there is one."""
    return max(filter(VERSION.fullmatch, _git("tag")), key=_parts, default=None)


def _changes():
    """The files that differ from the last commit."""
    return [line[3:] for line in _git("status", "--porcelain")]


def _parts(text):
    return [int(part) for part in text.split(".")]


def _git(*arguments):
    """The lines that git prints."""
    done = subprocess.run(
        ["git", *arguments], capture_output=True, text=True, cwd=paths.ROOT
    )
    if done.returncode:
        raise Failure(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.splitlines()
