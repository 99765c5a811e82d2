"""Mount a tmpfs where this process alone sees it, and sleep: see small_disk.py.

python keep_tmpfs.py FOLDER MEBIBYTES UID GID
"""

import ctypes
import os
import sys
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def main(folder, size, uid, gid):
    own = os.getuid(), os.getgid()
    _call("unshare", CLONE_NEWNS if own[0] == 0 else CLONE_NEWNS | CLONE_NEWUSER)
    if own[0]:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/gid_map").write_text(f"{own[1]} {own[1]} 1")
        Path("/proc/self/uid_map").write_text(f"{own[0]} {own[0]} 1")
    _call("mount", b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    options = f"size={size}m,mode=700,uid={uid},gid={gid}"
    _call("mount", b"tmpfs", folder.encode(), b"tmpfs", 0, options.encode())
    if own[0] == 0:
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    # Another program: one that changed its user is closed to that user, too.
    os.execvp("sleep", ["sleep", "infinity"])


def _call(name, *arguments):
    """Make a call of the C library; a failure ends this in one line."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        sys.exit(f"{name}: {os.strerror(ctypes.get_errno())}")


main(*sys.argv[1:])
