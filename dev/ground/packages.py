"""The addon and the client as PyPI gets them: wheels and sdists.

The names of what is built say what is in it: a project's name and version.
"""

import re
import shutil
import subprocess
from pathlib import Path

from . import client, paths, venv
from .console import run

#: The projects by the folders of their pyproject.toml.
ADDON, CLIENT = paths.ROOT, client.FOLDER


def build(folder, target, *kinds):
    """Build distributions, of `wheel` and `sdist` those that are named; their paths.

    With the pinned tools of the virtual environment, not with those of the day.
    """
    target.mkdir(parents=True, exist_ok=True)
    before = set(target.iterdir())
    options = [f"--target={kind}" for kind in kinds]
    run(
        [venv.PYTHON, "-m", "hatchling", "build", "--directory", target, *options],
        "packages",
        cwd=folder,
    )
    return sorted(set(target.iterdir()) - before)


def unpack(sdist, target):
    """Unpack an sdist; its folder."""
    shutil.unpack_archive(sdist, target)
    return target / sdist.name.removesuffix(".tar.gz")


def check(*distributions):
    """Have PyPI's own check look at what it would show: fields and long description."""
    run([venv.PYTHON, "-m", "twine", "check", "--strict", *distributions], "packages")


def files():
    """The checkout's files that git tracks, or would: paths relative to it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=True,
        cwd=paths.ROOT,
    ).stdout
    named = [Path(name) for name in listed.split("\0") if name]
    return sorted(name for name in named if (paths.ROOT / name).is_file())


def copy_checkout(target):
    """The checkout's files in another folder, as a clone of it would have them."""
    for name in files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(paths.ROOT / name, target / name)
    return target


def requirement_name(requirement):
    """The project that a requirement names, as indexes compare names."""
    name = re.match(r"[\w.-]+", requirement).group()
    return re.sub(r"[-_.]+", "-", name).lower()
