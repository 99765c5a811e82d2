"""A small file system of a test's own, which it may fill to the last byte.

A tmpfs, mounted where only one process sees it: nothing of the machine's own mounts
changes, and it is gone with that process, however the test ends. Everybody else
reaches it through that process's entry below /proc. Root may do that where it has
CAP_SYS_ADMIN; anybody where the kernel allows user namespaces.

Neither a quota nor a limit of a file's size would do: they are other errors than
ENOSPC, and PostgreSQL does other things then.
"""

import os
import subprocess
import sys
import time
from errno import ENOSPC
from pathlib import Path

from ground import paths, process
from ground.console import Failure, as_user

KEEPER = Path(__file__).with_name("keep_tmpfs.py")
#: Where the keeper alone sees it.
FOLDER = "/mnt"
BLOCK = bytes(4096)


class SmallDisk:
    """There while the `with` block runs; `path` leads to its empty root.

    :param size: in mebibytes
    :param owner: who may use it, an entry of `pwd`; None: ourselves
    """

    def __init__(self, size, owner=None):
        self.size = size
        self.owner = owner

    def __enter__(self):
        uid, gid = (
            (self.owner.pw_uid, self.owner.pw_gid)
            if self.owner
            else (os.getuid(), os.getgid())
        )
        log = paths.LOGS / "small-disk.log"
        log.unlink(missing_ok=True)
        mount = [sys.executable, KEEPER, FOLDER, self.size, uid, gid]
        self.keeper = process.spawn(mount, log, {**os.environ})
        self.path = Path(f"/proc/{self.keeper.pid}/root{FOLDER}")
        self._wait(log)
        return self

    def __exit__(self, *_exception):
        process.kill(self.keeper)

    def _wait(self, log, seconds=20):
        """Wait until the keeper has mounted it, and is what the owner may look into."""
        reaches = ["test", "-O", self.path]
        deadline = time.monotonic() + seconds
        while subprocess.call(reaches, **as_user(self.owner)):
            if self.keeper.poll() is not None:
                raise Failure(
                    "this user may not mount a tmpfs, which the test of a full disk "
                    "needs: run as root with CAP_SYS_ADMIN (docker: --cap-add "
                    f"SYS_ADMIN), or allow user namespaces. {log.read_text()}"
                )
            if time.monotonic() > deadline:
                process.kill(self.keeper)
                raise Failure(
                    f"{self.path} is not there, or not the owner's, after {seconds} s. "
                    f"{log.read_text()}"
                )
            time.sleep(0.02)

    def fill(self):
        """Leave not a byte."""
        try:
            with (self.path / "ballast").open("ab", buffering=0) as ballast:
                while True:
                    ballast.write(BLOCK)
        except OSError as error:
            if error.errno != ENOSPC:
                raise

    def free(self):
        """Have the room again that was filled."""
        (self.path / "ballast").unlink(missing_ok=True)
