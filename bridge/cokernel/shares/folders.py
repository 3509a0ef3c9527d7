"""Folders that must be ours alone: on the whole way to them nobody else can put something of theirs in place.

On POSIX ownership and mode are looked at. On Windows they mean nothing: the folders used here lie in the user's
profile, whose access list keeps other users out.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys

from cokernel.errors import Untrusted

_OTHERS_MAY_ENTER = stat.S_IXGRP | stat.S_IXOTH


def check_folders(folder: str) -> None:
    """Refuse a folder if anyone but us and root could have put files there, on the whole way to it.

    A sticky folder that all may write, as /tmp, is good enough: what is ours in it stays ours.

    Raises
    ------
    Untrusted
        a folder belongs to someone else, or others may write it.
    """
    if sys.platform == "win32":
        return
    for path in _chain(folder):
        status = os.lstat(path)
        if status.st_uid not in (0, os.geteuid()):
            raise Untrusted(f"The folder {path} belongs to another user (uid {status.st_uid}).")
        if stat.S_ISLNK(status.st_mode):
            continue  # what it points to is in the chain of the real path
        if not status.st_mode & stat.S_ISVTX and others_may_write(path, status):
            raise Untrusted(f"Other users may write the folder {path}.", f"chmod go-w {path}")


def private_folder(path: str) -> str:
    """Make sure that this folder is there, is ours and is closed to others (mode 0700).

    Raises
    ------
    Untrusted
        it is a symbolic link, belongs to someone else, or others may write it or a folder above it.
    """
    _make(path)
    if sys.platform == "win32":
        return path
    status = os.lstat(path)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise Untrusted(f"{path} is not a folder of yours.", "Move it away.")
    check_folders(path)
    if status.st_mode & 0o077:
        os.chmod(path, 0o700)
    return path


def others_may_write(path: str, status: os.stat_result) -> bool:
    """Whether another user can write this file or folder; `status` is what it is.

    A mode of 0775 alone does not say so: where every user has a group of their own, as on Red Hat, that is how files
    are made. Nor can anyone write who cannot get there.
    """
    if status.st_mode & stat.S_IWOTH:
        return True
    if not status.st_mode & stat.S_IWGRP:
        return False
    return not (_is_out_of_reach(path) or _is_for_us_alone(path, status.st_gid))


def _make(path: str) -> None:
    """With the folders above it, each 0700: `os.makedirs` leaves those to the umask, and then others may write them."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    if parent != path:
        _make(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)


def _is_out_of_reach(path: str) -> bool:
    """Whether a folder above lets nobody but us and root through."""
    above = [os.lstat(folder) for folder in _ancestors(os.path.realpath(path))[1:]]
    return any(
        not status.st_mode & _OTHERS_MAY_ENTER and status.st_uid in (0, os.geteuid())
        for status in above
    )


def _is_for_us_alone(path: str, gid: int) -> bool:
    """Whether what the group may do, only we may: it is our own private group, and no access list says otherwise."""
    return _is_private_group(gid) and not _has_access_list(path)


def _is_private_group(gid: int) -> bool:
    if sys.platform == "win32":
        return False
    import grp
    import pwd

    try:
        us, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    if us.pw_gid != gid or group.gr_name != us.pw_name or set(group.gr_mem) - {us.pw_name}:
        return False
    return all(user.pw_uid == us.pw_uid for user in pwd.getpwall() if user.pw_gid == gid)


def _has_access_list(path: str) -> bool:
    """With one, the mode shows for the group what any user that it names may do."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return bool(os.getxattr(path, "system.posix_acl_access", follow_symlinks=False))
    return False


def _chain(folder: str) -> list[str]:
    """The folders from `folder` to the root, as named and as they really are."""
    named = _ancestors(os.path.abspath(folder))
    real = _ancestors(os.path.realpath(folder))
    return list(dict.fromkeys((*named, *real)))


def _ancestors(path: str) -> list[str]:
    chain = [path]
    while (parent := os.path.dirname(path)) != path:
        path = parent
        chain.append(path)
    return chain
