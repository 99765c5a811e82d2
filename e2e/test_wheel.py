"""What PyPI gets: it installs the addon where Odoo finds it, and works from there."""

import subprocess
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest
import requests
from conftest import Site

from ground import client, packages, paths, venv
from ground.database import Databases
from ground.server import Odoo, OdooServer

NAME = "test_e2e_wheel"
INSTALLED = Path("odoo/addons") / paths.MODULE
#: What a clone holds beside the addon. Whatever else there is belongs in the wheel.
NOT_LOADED = {*paths.NOT_ADDON, ".ci", ".gitignore", "docs"}
#: Prints where an import comes from; loads it, as Odoo does.
LOCATE = f"import odoo.addons.{paths.MODULE} as it; print(it.__file__)"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A clone in a folder that is not named after the addon."""
    return packages.copy_checkout(tmp_path_factory.mktemp("clone") / "main-2")


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """The addon's wheel and sdist."""
    target = tmp_path_factory.mktemp("dist")
    sdist, wheel = sorted(
        packages.build(checkout, target, "wheel", "sdist"),
        key=lambda path: path.suffix == ".whl",
    )
    return wheel, sdist


@pytest.fixture(scope="module")
def built_client(checkout, tmp_path_factory):
    target = tmp_path_factory.mktemp("dist_client")
    return packages.build(checkout / "client", target, "wheel", "sdist")


@pytest.fixture(scope="module")
def python(built, built_client, tmp_path_factory):
    """A new virtual environment with both wheels, and no other addon of ours.

    What they depend on is taken from the environment that all else runs in.
    """
    folder = tmp_path_factory.mktemp("venv")
    run(venv.PYTHON, "-m", "venv", "--without-pip", folder)
    (packages_folder,) = folder.glob("lib/python*/site-packages")
    (dependencies,) = paths.VENV.glob("lib/python*/site-packages")
    (packages_folder / "dependencies.pth").write_text(f"{dependencies}\n")
    wheels = [built[0], *(path for path in built_client if path.suffix == ".whl")]
    pip = [venv.PYTHON, "-m", "pip", "--python", folder / "bin/python"]
    run(*pip, "install", "--no-index", *wheels)
    return folder / "bin/python"


def run(*command, **options):
    """Run a command; what it prints."""
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("dist-info/METADATA"))
        return message_from_bytes(archive.read(name))


def manifest():
    return eval((paths.ROOT / "__manifest__.py").read_text())  # noqa: S307


def test_the_wheel_holds_every_file_that_odoo_loads_and_no_other(built):
    wheel, _sdist = built
    wanted = {
        str(INSTALLED / name)
        for name in packages.files()
        if name.parts[0] not in NOT_LOADED
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held ^ wanted == set()


def test_the_sdist_builds_the_same_wheel(built, tmp_path):
    wheel, sdist = built
    (again,) = packages.build(
        packages.unpack(sdist, tmp_path), tmp_path / "dist", "wheel"
    )
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_a_checkout_that_is_worked_in_builds_the_same(built, tmp_path):
    """`.dev/` holds links to the addon's own folders, in which builders get lost."""
    here = packages.build(paths.ROOT, tmp_path, "wheel", "sdist")
    assert {path.name: path.read_bytes() for path in here} == {
        path.name: path.read_bytes() for path in built
    }


def test_the_wheel_says_what_the_manifest_says(built):
    said, known = metadata(built[0]), manifest()
    assert said["Name"] == f"odoo-addon-{paths.MODULE}"
    assert said["Version"] == known["version"]
    assert said["Author"] == known["author"]
    assert said["Summary"] == known["summary"]
    assert said["License-Expression"] == f"{known['license']}.0-only"
    assert said["Project-URL"] == f"Homepage, {known['website']}"
    needed = [
        packages.requirement_name(requirement)
        for requirement in said.get_all("Requires-Dist")
        if "extra ==" not in requirement
    ]
    external = known["external_dependencies"]["python"]
    assert needed == sorted(packages.requirement_name(name) for name in external)


def test_pypi_would_show_what_was_built(built, built_client):
    packages.check(*built, *built_client)


def test_the_addon_is_imported_from_where_pip_put_it(python, place, tmp_path):
    found = run(python, "-c", LOCATE, env=place.odoo.environment(), cwd=tmp_path)
    (site_packages,) = python.parents[1].glob("lib/python*/site-packages")
    assert found == str(site_packages / INSTALLED / "__init__.py")


def test_the_client_is_a_command(python):
    assert "activate" in run(python.with_name("license-client"), "--help")
    where = f"import {client.MODULE} as it; print(it.__path__[0])"
    assert (Path(run(python, "-c", where)) / "py.typed").exists()


def test_odoo_installs_the_addon_from_the_wheel_and_serves_it(python, place):
    odoo = Odoo(place.odoo.tree, place.odoo.postgres, python, folders=())
    Databases(place.postgres, odoo).fresh(NAME, install=[paths.MODULE])
    try:
        with OdooServer(odoo, NAME) as server:
            site = Site(server, place)
            _license, key = site.license()
            answer = requests.post(site.url("verify"), json={"licenseKey": key})
            assert (answer.status_code, answer.json()["valid"]) == (200, True)
            icon = f"/{paths.MODULE}/static/description/icon.png"
            served = requests.get(f"{server.url}{icon}")
            here = paths.ROOT / "static/description/icon.png"
            assert served.content == here.read_bytes()
    finally:
        place.databases.drop(NAME)
