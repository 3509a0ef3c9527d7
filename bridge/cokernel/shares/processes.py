"""Whether a process of a record is still that process, by pid and start time.

Without psutil: the front imports this and has no room for it.
"""

from __future__ import annotations

import enum
import os
import sys

ENDED = -1.0
"""The `start_time` of a process that ended and that its parent has not waited for."""
_TOLERANCE_S = 0.02


class Presence(enum.Enum):
    """What became of a process."""

    ALIVE = "alive"
    GONE = "gone"
    """No such process, or its pid belongs to a younger one now."""


def presence(pid: int, started: float) -> Presence:
    """Whether the process that had this pid and `start_time` is still there; `started` 0 stands for not known."""
    if pid <= 0 or not _exists(pid):
        return Presence.GONE
    now = start_time(pid)
    if now == ENDED or (started and now and abs(now - started) > _TOLERANCE_S):
        return Presence.GONE
    return Presence.ALIVE


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
    _STILL_ACTIVE = 259

    def _exists(pid: int) -> bool:
        # Never os.kill(pid, 0): on Windows that ends the process.
        handle = ctypes.windll.kernel32.OpenProcess(_QUERY, False, pid)
        if not handle:
            return False
        try:
            code = wintypes.DWORD()
            ctypes.windll.kernel32.GetExitCodeProcess(handle, ctypes.byref(code))
            return code.value == _STILL_ACTIVE
        finally:
            ctypes.windll.kernel32.CloseHandle(handle)

    def start_time(pid: int) -> float:
        handle = ctypes.windll.kernel32.OpenProcess(_QUERY, False, pid)
        if not handle:
            return 0.0
        try:
            times = [wintypes.FILETIME() for _ in range(4)]
            refs = [ctypes.byref(time) for time in times]
            if not ctypes.windll.kernel32.GetProcessTimes(handle, *refs):
                return 0.0
            ticks = (times[0].dwHighDateTime << 32) + times[0].dwLowDateTime
            return float(ticks) / 1e7
        finally:
            ctypes.windll.kernel32.CloseHandle(handle)

    def boot_id() -> str:
        return ""

else:

    def _exists(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            return True
        return True


if sys.platform == "darwin":
    import ctypes

    _BSD_INFO = 3  # PROC_PIDTBSDINFO
    _BSD_INFO_SIZE = 136
    _BSD_INFO_SECONDS = slice(120, 128)
    _BSD_INFO_MICROS = slice(128, 136)
    _UUID_SIZE = 64
    """Bytes: 36, the end, and some to spare."""

    def start_time(pid: int) -> float:
        info = ctypes.create_string_buffer(_BSD_INFO_SIZE)
        libc = ctypes.CDLL(None)
        size = libc.proc_pidinfo(pid, _BSD_INFO, ctypes.c_uint64(0), info, _BSD_INFO_SIZE)
        if size != _BSD_INFO_SIZE:
            return 0.0
        seconds = int.from_bytes(info.raw[_BSD_INFO_SECONDS], sys.byteorder)
        return seconds + int.from_bytes(info.raw[_BSD_INFO_MICROS], sys.byteorder) / 1e6

    def boot_id() -> str:
        uuid = ctypes.create_string_buffer(_UUID_SIZE)
        size = ctypes.c_size_t(_UUID_SIZE)
        asked = b"kern.bootsessionuuid"
        if ctypes.CDLL(None).sysctlbyname(
            asked, uuid, ctypes.byref(size), None, ctypes.c_size_t(0)
        ):
            return ""
        return uuid.value.decode("ascii", "replace")

elif sys.platform != "win32":

    def start_time(pid: int) -> float:
        """When a process began, in seconds on a clock that only serves to compare.

        0.0 if it cannot be known, `ENDED` for a zombie. On Linux the clock runs since boot, so that
        a corrected wall clock changes nothing; elsewhere since the epoch.
        """
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:
                stat = file.read()
        except OSError:
            return 0.0
        # The name of the program, in parentheses, may hold anything; field 22 is the 20th after it.
        state, *fields = stat.rpartition(b")")[2].split()
        if state in (b"Z", b"X"):
            return ENDED
        ticks: int = os.sysconf("SC_CLK_TCK")
        return int(fields[18]) / ticks

    def boot_id() -> str:
        """The boot, and the pid namespace in it: pids compare only where both are the same.

        Empty if it cannot be known.
        """
        try:
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
                boot = file.read().strip()
            return f"{boot} {os.readlink('/proc/self/ns/pid')}"
        except OSError:
            return ""
