"""dev/release refuses what is not ready, and says what is wrong with it."""

import json
import re
import subprocess
from datetime import date

import polib
import pytest

from ground import packages, paths, pot, quotes, release


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A clone of this checkout, with one commit, that the rules look at."""
    folder = packages.copy_checkout(tmp_path / "clone")
    monkeypatch.setattr(paths, "ROOT", folder)
    monkeypatch.setattr(release, "CHANGELOG", folder / "CHANGELOG.md")
    monkeypatch.setattr(pot, "FOLDER", folder / "i18n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all of it")
    return folder


def git(folder, *arguments):
    who = ("-c", "user.name=Tester", "-c", "user.email=tester@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True)


def edit(path, pattern, text):
    path.write_text(re.sub(pattern, text, path.read_text(), count=1))


def problems(*rules):
    return [problem for rule in rules for problem in rule()]


def set_version(checkout, version):
    edit(checkout / "__manifest__.py", r'"version": "[^"]+"', f'"version": "{version}"')


def head(checkout, said):
    """Let the changelog begin with the version, and with this behind it."""
    heading = f"## {release.version()} ({said})"
    edit(checkout / "CHANGELOG.md", r"(?m)^## .*$", heading)


def test_the_checkout_is_as_it_must_be_always():
    assert problems(*release.RULES) == []


def test_a_clean_dated_and_new_version_is_released(checkout):
    head(checkout, date.today())
    git(checkout, "commit", "-aqm", "the day of the release")
    assert problems(*release.RULES, *release.FINAL) == []


def test_manifest_and_changelog_that_differ_are_refused(checkout):
    set_version(checkout, "19.0.99.0.0")
    (problem,) = problems(release.version_is_one)
    assert "the manifest says 19.0.99.0.0" in problem


@pytest.mark.parametrize("version", ["1.0.0", "18.0.1.0.0", "19.0.1.0"])
def test_a_version_of_another_form_is_refused(checkout, version):
    set_version(checkout, version)
    assert f"{version} is no version" in problems(release.version_is_one)[0]


def test_a_version_below_the_last_tag_is_refused_also_if_it_sorts_after(checkout):
    for tag in ("v1", "19.0.9.0.0", "19.0.10.0.0"):
        git(checkout, "tag", tag)
    set_version(checkout, "19.0.9.5.0")
    (problem,) = problems(release.version_goes_up)
    assert problem.endswith("older than the release 19.0.10.0.0")


def test_a_version_that_was_released_is_not_released_again(checkout):
    git(checkout, "tag", release.version())
    assert problems(release.version_goes_up) == []
    assert "was released" in problems(release.version_is_new)[0]


def test_a_migration_that_odoo_would_never_run_is_refused(checkout):
    set_version(checkout, "19.0.2.0.0")
    for name in ("19.0.2.0.0", "19.0.2.0.1", "2.0"):
        (checkout / "migrations" / name).mkdir(parents=True)
    later, odd = problems(release.migrations_are_reached)
    assert "19.0.2.0.1: Odoo never runs it" in later
    assert "2.0: its name is no version" in odd


def test_a_text_without_a_translation_is_refused(checkout):
    german = checkout / "i18n" / "de.po"
    texts = polib.pofile(german)
    texts[-1].msgstr = ""
    texts.save()
    before = german.stat().st_mtime_ns
    assert problems(release.texts_are_translated) == ["i18n/de.po: 1 to translate"]
    assert german.stat().st_mtime_ns == before


def test_a_figure_that_was_not_measured_is_refused_until_it_is_written_anew(checkout):
    assert problems(release.figures_are_measured) == []
    file = checkout / "benchmarks" / "results" / "api.json"
    found = json.loads(file.read_text())
    (verify,) = (it for it in found["modes"][quotes.MEASURED] if it["call"] == "verify")
    verify["ratio"]["ratio"] = 0.123
    file.write_text(json.dumps(found))
    assert problems(release.figures_are_measured) == [
        f"{name}: it quotes other figures than benchmarks/results"
        for name in ("README.md", "docs/performance.md")
    ]
    quotes.refresh()
    assert problems(release.figures_are_measured) == []
    assert re.search(r"\| verify +\| +0\.12 \|", (checkout / "README.md").read_text())


def test_what_is_not_committed_is_refused(checkout):
    (checkout / "models" / "new.py").touch()
    edit(checkout / "README.md", "Odoo", "odoo")
    assert problems(release.tree_is_clean) == [
        "README.md: not committed",
        "models/new.py: not committed",
    ]


@pytest.mark.parametrize("said", ["unreleased", "soon", "2999-01-01"])
def test_a_changelog_without_the_day_is_refused_on_the_day(checkout, said):
    head(checkout, said)
    assert problems(release.version_is_one) == []
    assert "say when" in problems(release.changelog_is_dated)[0]
