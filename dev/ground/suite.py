"""The checks of dev/test, their summary and their exit code."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from . import addon, client, lint, paths, peers, programs, venv
from .console import run, say
from .pytest_run import pytest
from .workplace import Workplace, locked

PARTS = ("lint", "client", "core", "oca", "e2e", "peers")
#: What takes too long for every day, and runs only when it is asked for by name.
ON_REQUEST = ("soak",)
#: The parts that need no Odoo and no database.
ALONE = {"lint", "client"}
COVERAGE = paths.CACHE / "coverage"
#: Kinds of runs of the addon's own tests: the database, and how they are called.
BASES = {"core": "core", "oca": "oca", "stories": "oca"}
#: The tests that a run leaves to others: they need modules, or are run apart.
LEFT_OUT = {
    "core": ("test_subscription_*", "test_webhooks"),
    "oca": (
        # What bills nothing is the same beside modules that bill.
        "test_access_routes",
        "test_access_table",
        "test_bad_requests",
        "test_billing_tours",
        "test_boundary",
        "test_certificate",
        "test_demo",
        "test_device_rules",
        "test_email_html",
        "test_features",
        "test_features_browser",
        "test_floating",
        "test_import",
        "test_license_file",
        "test_license_lists",
        "test_licensing_api",
        "test_managed_api",
        "test_onboarding",
        "test_openapi",
        "test_payload",
        "test_portal",
        "test_portal_devices",
        "test_portal_tour",
        "test_query_counts",
        "test_signing",
        "test_signing_keys",
        "test_subscription_story",
        "test_throttle",
        "test_tokens",
        "test_translations",
        "test_verdict",
        "test_wizard_tours",
    ),
}
TITLES = {
    "core": "tests with Odoo's modules",
    "oca": "tests beside OCA's modules",
    "stories": "random stories of subscriptions",
}
#: The tests of real servers, by the names of their files: two halves that take about
#: as long, and those that take PostgreSQL itself down.
E2E = {
    "long": ("killed", "killed_mail", "openapi_cases", "scale"),
    "short": None,  # all others
    "alone": ("bad_days", "clock"),
}
E2E_INSTALLED = "e2e_installed"


def run_parts(parts, match=None, db_port=None, is_covered=False, soak_minutes=10):
    """Run the wanted parts in order; the exit code tells whether all went well.

    Counting which lines ran is for who asks: it takes the tests 1.7 times as long.
    """
    results = []
    with locked():
        if "lint" in parts:
            results += lint.check()
        if "client" in parts:
            results += client.check(match)
        if set(parts) - ALONE:
            with Workplace(db_port) as place:
                results += _tests(place, parts, match, is_covered)
                if "soak" in parts:
                    results += _soak(place, match, soak_minutes)
    coverage = _coverage({"core", "oca"} & set(parts)) if is_covered else None
    passed, failed = _summary(results, coverage)
    tested = passed + failed or set(parts) == {"lint"}
    return 0 if tested and all(result.ok for result in results) else 1


def _tests(place, parts, match, is_covered):
    """The parts that need Odoo: two at a time, those against real servers last."""
    programs.prepare("chromium")
    kinds = [kind for kind in ("core", "oca") if kind in parts]
    if "oca" in kinds:
        kinds.append("stories")
    jobs = [partial(_odoo_test, kind=kind, is_covered=is_covered) for kind in kinds]
    bases = [BASES[kind] for kind in kinds]
    if "peers" in parts:
        jobs += peers.JOBS
        bases.append(peers.BASE)
    for base in dict.fromkeys(bases):
        place.databases.template(base)  # one after the other: oca is made from core
    results = _run_two_at_a_time(jobs, place, match)
    if "e2e" in parts:
        _prepare_e2e(place)
        jobs = [partial(_e2e, kind=kind) for kind in E2E]
        results += _run_two_at_a_time(jobs[:-1], place, match)
        results += _run_two_at_a_time(jobs[-1:], place, match)
    return results


def _run_two_at_a_time(jobs, place, match):
    """Run jobs; what the others print is held back until those before are done."""
    results = []
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(job, place, match=match, live=job is jobs[0]) for job in jobs
        ]
        for run in runs:
            for result in run.result():
                result.show()
                results.append(result)
    return results


def _odoo_test(place, match, live, kind, is_covered):
    """The addon's own tests on one database, but for those of modules it lacks.

    The stories run apart, beside the peers' suites, and are not counted.
    """
    db = place.databases.fresh(f"test_{kind}", base=BASES[kind], install=[paths.MODULE])
    env = place.odoo.environment(ODOO_RC=str(place.odoo.config(db, http_enable=True)))
    package = f"odoo.addons.{paths.MODULE}.tests"
    arguments = [f"--rootdir={addon.FOLDER}"]
    if kind == "stories":
        arguments.append(f"{package}.test_subscription_story")
    else:
        arguments += [f"--ignore-glob=*/{name}.py" for name in LEFT_OUT[kind]]
        arguments += [*(_cover(kind, env) if is_covered else ()), package]
    ini = paths.ROOT / "dev" / "pytest.ini"
    return [pytest(TITLES[kind], ini, arguments, match, env, addon.FOLDER, live)]


def _cover(kind, env):
    """The arguments that have a run counted, in a file of its own."""
    covered = COVERAGE / f".coverage.{kind}"
    covered.parent.mkdir(parents=True, exist_ok=True)
    covered.unlink(missing_ok=True)
    env["COVERAGE_FILE"] = str(covered)
    config = paths.ROOT / "dev/coveragerc"
    covered_package = f"--cov=odoo.addons.{paths.MODULE}"
    return [covered_package, f"--cov-config={config}", "--cov-report="]


def _prepare_e2e(place):
    """Make the database that all tests of real servers clone."""
    place.databases.fresh(E2E_INSTALLED, base="oca", install=[paths.MODULE])


def _e2e(place, match, live, kind):
    """Some of the tests of real servers, by the names of their files."""
    names = E2E[kind]
    if names is None:
        named = {name for names in E2E.values() for name in names or ()}
        arguments = [f"--ignore-glob=*/test_{name}.py" for name in named]
        arguments.append(paths.ROOT / "e2e")
    else:
        arguments = [paths.ROOT / "e2e" / f"test_{name}.py" for name in names]
    title = f"tests of real servers: {kind}"
    return _real_servers(place, title, arguments, match, live)


def _soak(place, match, minutes):
    """Mixed load for minutes; a few seconds of it are among the tests above."""
    _prepare_e2e(place)
    files, seconds = [paths.ROOT / "e2e" / "soak"], str(minutes * 60)
    title = f"soak, {minutes:g} minutes"
    return _real_servers(place, title, files, match, True, SOAK_SECONDS=seconds)


def _real_servers(place, title, arguments, match, live, **settings):
    """Real server processes, driven from outside; see workplace.attach."""
    env = place.odoo.environment(
        PYTHONPATH=os.pathsep.join([str(paths.ROOT / "dev"), str(client.SOURCES)]),
        E2E_INSTALLED=E2E_INSTALLED,
        **settings,
    )
    ini = paths.ROOT / "dev" / "pytest-e2e.ini"
    arguments = [*arguments, f"--rootdir={paths.ROOT}"]
    return [pytest(title, ini, arguments, match, env, paths.ROOT, live)]


def _coverage(kinds):
    """The percentage of the addon's own code that the tests ran, over all databases."""
    files = [COVERAGE / f".coverage.{kind}" for kind in kinds]
    files = [file for file in files if file.exists()]
    if not files:
        return None
    env = {**os.environ, "COVERAGE_FILE": str(COVERAGE / "combined")}
    rc = f"--rcfile={paths.ROOT / 'dev/coveragerc'}"
    coverage = [venv.PYTHON, "-m", "coverage"]
    report = paths.LOGS / "coverage.log"
    report.unlink(missing_ok=True)
    run([*coverage, "combine", "--keep", rc, *files], "coverage", env=env)
    run([*coverage, "report", rc], "coverage", env=env)
    totals = [line for line in report.read_text().splitlines() if "TOTAL" in line]
    return totals[-1].split()[-1] if totals else None


def _summary(results, coverage):
    """One table, the coverage, and the closing line that CI reads."""
    say()
    say(f"{'step':36} {'result':8} {'seconds':>8}")
    for result in results:
        outcome = "ok" if result.ok else "FAILED"
        say(f"{result.title:36} {outcome:8} {result.seconds:8.1f}  {result.text}")
    if coverage:
        say(f"coverage of models, controllers, tools and wizards: {coverage}")
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    say(f"{passed} passed, {failed} failed")
    return passed, failed
