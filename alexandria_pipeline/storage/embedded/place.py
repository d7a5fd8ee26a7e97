"""Where the cluster of a home lives: in the home, or in a folder of this machine to which a file in the home points.

    <home>/postgres/                        the usual place
    <home>/postgres-folder                  the path of the other place; it moves with the home when a checkout is renamed
    /var/lib/alexandria-pipeline/<name>/    the other place, if we are root and the server's account cannot enter the home
    /var/lib/alexandria-pipeline/<name>/home    the home that it belongs to

Only root needs the other place, and only root can write to its parent. Nothing here starts or stops a server.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.errors import EmbeddedServerError

if TYPE_CHECKING:
    from alexandria_pipeline.storage.embedded.binaries import ServerAccount

ELSEWHERE: Final = Path("/var/lib/alexandria-pipeline")
_EARLIER: Final = Path("/var/tmp")  # noqa: S108 - the other place until November 2026; a folder there must be ours
_POINTER: Final = "postgres-folder"
_OWNER: Final = "home"


def find_place(home: Path, account: ServerAccount | None) -> Path | None:
    """The folder of the cluster of `home`; None if a folder elsewhere has to be made. Changes nothing."""
    here = home / "postgres"
    if account is None or (here / "data").exists():
        return here
    return _pointed(home) or _earlier(home) or (here if account.reaches(here) else None)


def settle(home: Path) -> tuple[Path, list[Path]]:
    """Makes a folder elsewhere for the cluster of `home` and the pointer to it.

    Returns the folder, and the folders that an earlier cluster of the same home has left: their pointer was removed with the home.
    Of processes that do this at the same time one wins. Raises EmbeddedServerError if a folder cannot be made.
    """
    left = [each for each in ELSEWHERE.glob("*") if _is_ours(each) and _owner(each) == str(home)]
    folder = ELSEWHERE / f"{home.parent.name or 'alexandria'}-{secrets.token_hex(6)}"
    try:
        home.mkdir(parents=True, exist_ok=True)
        ELSEWHERE.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o755)
        folder.chmod(0o755)  # whatever the umask is
        (folder / _OWNER).write_text(f"{home}\n", "utf-8")
        chosen = _point(home, folder)
        return chosen, [each for each in left if each != chosen]
    except OSError as error:
        raise EmbeddedServerError(
            f"PostgreSQL cannot run as root, its account cannot enter {home}, and {ELSEWHERE} cannot be used: {error.strerror}."
            " Open the folder and its parents (chmod o+x), or set ALEXANDRIA_HOME to a folder that all accounts can enter."
        ) from error


def keep_pointer(home: Path, folder: Path) -> None:
    """Writes what a cluster elsewhere needs to be found again: its pointer, and the present path of its home.

    Raises EmbeddedServerError if the folder of the pointer is gone.
    """
    if folder.parent not in (ELSEWHERE, _EARLIER):
        return
    if not folder.exists():
        raise EmbeddedServerError(
            f"The local database of {home} was in {folder}, which is gone. Put the folder back, or remove"
            f" {home / _POINTER} to begin with an empty database and restore a backup (alexandria db restore)."
        )
    if _pointed(home) != folder:
        home.mkdir(parents=True, exist_ok=True)
        _point(home, folder)
    if _owner(folder) != str(home):
        (folder / _OWNER).write_text(f"{home}\n", "utf-8")


def _point(home: Path, folder: Path) -> Path:
    """Writes the pointer unless there is one; the folder that the pointer has then. An empty folder that lost is removed.

    Raises EmbeddedServerError for a pointer that leads nowhere: a new database must not take the place of one that was lost.
    """
    fresh = home / f"{_POINTER}.{secrets.token_hex(4)}"
    fresh.write_text(f"{folder}\n", "utf-8")
    try:
        os.link(fresh, home / _POINTER)
    except FileExistsError:
        winner = _pointed(home)
        if winner == folder:
            return folder
        with contextlib.suppress(OSError):  # a folder with data stays
            (folder / _OWNER).unlink(missing_ok=True)
            folder.rmdir()
        if winner is None:
            raise EmbeddedServerError(
                f"{home / _POINTER} does not name a folder of this account in {ELSEWHERE}. It leads to the local database:"
                " restore the file, or remove it to begin with an empty database."
            ) from None
        return winner
    finally:
        fresh.unlink()
    return folder


def _pointed(home: Path) -> Path | None:
    """The folder in the pointer; None without a pointer of ours to a folder of the two parents."""
    pointer = home / _POINTER
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if pointer.lstat().st_uid == os.geteuid():
            folder = Path(pointer.read_text("utf-8").strip())
            if folder.parent in (ELSEWHERE, _EARLIER) and (_is_ours(folder) or not os.path.lexists(folder)):
                return folder
    return None


def _earlier(home: Path) -> Path | None:
    """The folder that versions until November 2026 made in /var/tmp, without a pointer; each is taken over once."""
    folder = _EARLIER / f"alexandria-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    return folder if _is_ours(folder) and (folder / "data").exists() and _owner(folder) in (None, str(home)) else None


def _owner(folder: Path) -> str | None:
    with contextlib.suppress(OSError, UnicodeDecodeError):
        return (folder / _OWNER).read_text("utf-8").strip()
    return None


def _is_ours(folder: Path) -> bool:
    with contextlib.suppress(OSError):
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return False
