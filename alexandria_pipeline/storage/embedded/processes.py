"""Questions about processes of a PostgreSQL cluster: whose is this PID, and who is left over?

A server process is known by its name and its working directory, which is the data directory even after the folder was
moved. A PID alone proves nothing: after a crash or in a restarted container it may be anybody's.
"""

from __future__ import annotations

import contextlib
import enum
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil


class Holder(enum.Enum):
    """Who is behind the PID in `postmaster.pid`."""

    OURS = "the postmaster of this cluster"
    OTHER = "a zombie, or another program that got the PID later"
    NO_PROCESS = "no process"
    UNKNOWN = "a process that we may not look at"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """Content of `postmaster.pid`: the process, and its port (None while the server starts)."""

    pid: int
    port: int | None


def read_postmaster(data: Path) -> Postmaster | None:
    """The contents of `postmaster.pid` (lines: PID, data directory, start time, port, …); None when there is none."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        port = int(lines[3]) if len(lines) > 3 and lines[3].strip() else None
        return Postmaster(int(lines[0]), port)
    except (OSError, ValueError, IndexError):
        return None


def holder_of(pid: int, data: Path) -> Holder:
    """Who is behind `pid`; only OTHER proves that a `postmaster.pid` naming it is stale while the PID is alive."""
    if _is_ours(pid, data):
        return Holder.OURS
    import psutil  # noqa: PLC0415 - takes longer to load than a command has; mostly the server runs

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return Holder.OTHER
        return Holder.OURS if _serves(process, data) else Holder.OTHER
    except psutil.ZombieProcess:
        return Holder.OTHER
    except (psutil.NoSuchProcess, ValueError):
        return Holder.NO_PROCESS
    except psutil.Error:
        return Holder.UNKNOWN


def end_orphans(data: Path) -> int:
    """End server processes of the cluster whose postmaster is gone; gives their number.

    A busy backend survives a `kill -9` of its postmaster and blocks the next start ("pre-existing shared memory block
    is still in use"). Killing it is safe: the next start recovers from the log as after any crash.
    """
    import psutil  # noqa: PLC0415 - see `holder_of`

    orphans = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and _serves(process, data):
                orphans.append(process)
                process.terminate()
    _, stubborn = psutil.wait_procs(orphans, timeout=5)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(orphans)


def end_servers_of_removed_folder(data: Path) -> int:
    """Kills server processes whose data directory at this path was removed or replaced; returns their number.

    Such a server still has the path, and its last checkpoint would write into the cluster that is there now. It is killed,
    because its files are gone and an orderly stop is exactly what writes. Call it before a new cluster is made.
    """
    import psutil  # noqa: PLC0415 - see `holder_of`

    removed = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if _is_server_in(process, data) and not _has_current_folder(process, data):
                removed.append(process)
                process.kill()
    psutil.wait_procs(removed, timeout=5)
    return len(removed)


def end_postmaster(pid: int, data: Path, patience: float = 30) -> bool:
    """Ask a postmaster to stop, and all with it; False when it is still there.

    SIGINT is its "fast" stop; SIGQUIT is a crash that the next start recovers from: late, but nothing is lost.
    """
    import psutil  # noqa: PLC0415 - see `holder_of`

    for request in (signal.SIGINT, signal.SIGQUIT):
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).send_signal(request)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if holder_of(pid, data) is not Holder.OURS:
                return True
            time.sleep(0.01)
    return False


def _is_ours(pid: int, data: Path) -> bool:
    """Whether /proc proves that `pid` is a server of the cluster. False where there is no /proc or it does not show it."""
    of_it = Path("/proc") / str(pid)
    try:
        name, state = (of_it / "stat").read_text().partition("(")[2].rsplit(")", 1)
        effective = next(
            line for line in (of_it / "status").read_text().splitlines() if line.startswith("Uid:")
        ).split()[2]
        return (
            "postgres" in name.lower()
            and state.split()[0] != "Z"
            and str((of_it / "cwd").readlink()) == str(data)
            and os.path.samestat((of_it / "cwd").stat(), data.stat())
            and int(effective) == data.lstat().st_uid
        )
    except (OSError, ValueError, IndexError, StopIteration):
        return False


def _serves(process: psutil.Process, data: Path) -> bool:
    return _is_server_in(process, data) and _has_current_folder(process, data) and _runs_as_owner(process, data)


def _is_server_in(process: psutil.Process, data: Path) -> bool:
    return "postgres" in process.name().lower() and process.cwd() == str(data)


def _runs_as_owner(process: psutil.Process, data: Path) -> bool:
    """Whether the account of the process owns the data directory, as PostgreSQL itself demands of its server."""
    return process.uids().effective == data.lstat().st_uid


def _has_current_folder(process: psutil.Process, data: Path) -> bool:
    """Whether the working directory of the process is the folder that is at `data` now, and not an earlier one there.

    Device and inode identify a folder. Where /proc does not show them (macOS), an existing folder counts as the same.
    """
    try:
        now = data.stat()
    except OSError:
        return False
    try:
        return os.path.samestat(Path(f"/proc/{process.pid}/cwd").stat(), now)
    except OSError:
        return True
