"""The checks of dev/test, their summary and their exit code."""

import os
from functools import partial

from . import addon, client, lint, paths, peers, programs, release, venv
from .console import run, say
from .jobs import Job, run_all
from .pytest_run import pytest
from .workplace import Workplace, locked

PARTS = ("lint", "client", "core", "oca", "e2e", "release", "peers")
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
        # What bills nothing is the same beside modules that bill; so is what follows
        # from plain invoices, of which enough is left to see that they still work.
        "test_access_routes",
        "test_access_table",
        "test_bad_requests",
        "test_billing_tours",
        "test_boundary",
        "test_bulk",
        "test_certificate",
        "test_clock_jump",
        "test_demo",
        "test_device_rules",
        "test_email_html",
        "test_events",
        "test_features",
        "test_features_browser",
        "test_floating",
        "test_health",
        "test_import",
        "test_invoice_document",
        "test_ledger",
        "test_license_file",
        "test_license_key",
        "test_license_lifecycle",
        "test_license_lists",
        "test_license_report",
        "test_licensing_api",
        "test_managed_api",
        "test_messages",
        "test_move",
        "test_onboarding",
        "test_openapi",
        "test_order_renewal",
        "test_past_choice",
        "test_payload",
        "test_payment_follows",
        "test_payment_ways",
        "test_policy",
        "test_prepared",
        "test_portal",
        "test_portal_billing",
        "test_portal_devices",
        "test_portal_tour",
        "test_public_api",
        "test_query_counts",
        "test_read_routes",
        "test_seat_rivals",
        "test_seats",
        "test_security",
        "test_signing",
        "test_signing_keys",
        "test_subscription_story",
        "test_throttle",
        "test_tokens",
        "test_translations",
        "test_verdict",
        "test_wizard_tours",
        "test_wizards",
    ),
}
TITLES = {
    "core": "tests with Odoo's modules",
    "oca": "tests beside OCA's modules",
    "stories": "random stories of subscriptions",
}
#: The tests of real servers, by the names of their files: what shares a server is
#: together, and what takes long apart, and first.
E2E = {
    "others": None,
    "killed": ("killed", "killed_mail"),
    "seats": (
        "billing_storm",
        "docs",
        "floating_storm",
        "offline_docs",
        "seed_examples",
        "signing_rotation",
        "storm",
        "wire",
    ),
    "openapi": ("openapi_cases",),
    "modules": ("uninstall",),
    "machines": ("client", "client_faults", "client_keys"),
    "scale": ("scale",),
    "release": ("release", "wheel"),  # a part of its own
    "alone": ("bad_days", "clock"),  # they take PostgreSQL itself down
}
#: So many of these kinds take longer than the peers' suites.
LONGEST = 3


def run_parts(asked, match=None, db_port=None, is_covered=False, soak_minutes=10):
    """Run the parts asked for, else all; the exit code tells how they went.

    Two jobs at a time. What takes long among the peers' suites is run if they are
    asked for.
    Counting which lines ran is for who asks: it takes the tests 1.7 times as long.
    """
    parts = asked or PARTS
    with locked():
        jobs = _light_jobs(parts, match)
        if set(parts) - ALONE:
            with Workplace(db_port) as place:
                needed = ("nginx", "curl", "playwright-node") if "e2e" in parts else ()
                programs.prepare("chromium", *needed)
                suites = peers.jobs("peers" in asked) if "peers" in parts else []
                jobs += _jobs(place, parts, match, is_covered, suites)
                if "soak" in parts:
                    jobs.append(Job(partial(_soak, place, match, soak_minutes), True))
                results = run_all(jobs)
        else:
            results = run_all(jobs)
    coverage = _coverage({"core", "oca"} & set(parts)) if is_covered else None
    passed, failed = _summary(results, coverage)
    tested = passed + failed or set(parts) == {"lint"}
    return 0 if tested and all(result.ok for result in results) else 1


def _light_jobs(parts, match):
    """The parts that need no Odoo, one after the other in one job.

    They come first: beside them the other core makes the first template.
    """
    steps = []
    if "lint" in parts:
        steps += [lint.check, release.check]
    if "client" in parts:
        steps.append(partial(client.check, match))
    return [Job(partial(_one_by_one, steps))] if steps else []


def _one_by_one(steps, live):
    return [result for step in steps for result in step(live=live)]


def _jobs(place, parts, match, is_covered, suites):
    """The parts that need Odoo, the longest job first, so that both cores end alike."""
    common = {"place": place, "match": match}
    jobs = []
    if "core" in parts:
        jobs.append(partial(_odoo_test, kind="core", is_covered=is_covered, **common))
    if "oca" in parts:
        jobs.append(partial(_odoo_test, kind="oca", is_covered=is_covered, **common))
    kinds = _e2e_kinds(parts, match)
    jobs += [partial(_e2e, kind=kind, **common) for kind in kinds[:1]]
    if "oca" in parts:
        jobs.append(partial(_odoo_test, kind="stories", is_covered=False, **common))
    jobs += [partial(_e2e, kind=kind, **common) for kind in kinds[1:LONGEST]]
    jobs += [partial(job, **common) for job in suites]
    jobs += [partial(_e2e, kind=kind, **common) for kind in kinds[LONGEST:]]
    return [Job(job, job.keywords.get("kind") == "alone") for job in jobs]


def _odoo_test(place, match, live, kind, is_covered):
    """The addon's own tests on one database, but for those of modules it lacks.

    The stories run apart, beside the peers' suites, and are not counted.
    """
    db = place.databases.clone(place.databases.installed(BASES[kind]), f"test_{kind}")
    env = place.odoo.environment(ODOO_RC=str(place.odoo.config(db, http_enable=True)))
    env["PYTHONPATH"] += f"{os.pathsep}{paths.ROOT / 'dev'}"
    package = f"odoo.addons.{paths.MODULE}.tests"
    plugins = ("-p", "ground.pytest_bundles", "-p", "ground.pytest_company")
    arguments = [*plugins, f"--rootdir={addon.FOLDER}"]
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


def _e2e_kinds(parts, match):
    """The kinds that are wanted; chosen tests are few, and most run together."""
    wanted = set(E2E) - {"release"} if "e2e" in parts else set()
    if match:
        wanted &= {"others", "alone"}
    return [kind for kind in E2E if kind in wanted or kind in parts]


def _e2e(place, match, live, kind):
    """Some of the tests of real servers, by the names of their files."""
    names = E2E[kind]
    if names is None:
        apart = {"release", *_e2e_kinds(["e2e"], match)}
        named = {name for kind in apart for name in E2E[kind] or ()}
        arguments = [f"--ignore-glob=*/test_{name}.py" for name in sorted(named)]
        arguments.append(paths.ROOT / "e2e")
    else:
        arguments = [paths.ROOT / "e2e" / f"test_{name}.py" for name in names]
    title = f"tests of real servers: {kind}"
    return _real_servers(place, title, arguments, match, live, E2E_KIND=kind)


def _soak(place, match, minutes, live):
    """Mixed load for minutes; a few seconds of it are among the tests above."""
    files, seconds = [paths.ROOT / "e2e" / "soak"], str(minutes * 60)
    title = f"soak, {minutes:g} minutes"
    return _real_servers(place, title, files, match, live, SOAK_SECONDS=seconds)


def _real_servers(place, title, arguments, match, live, **settings):
    """Real server processes, driven from outside; see workplace.attach."""
    env = place.odoo.environment(
        PYTHONPATH=os.pathsep.join([str(paths.ROOT / "dev"), str(client.SOURCES)]),
        E2E_INSTALLED=place.databases.installed("oca"),
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
