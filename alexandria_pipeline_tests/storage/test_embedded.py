"""The local server with real processes: started at the same time, killed, damaged, in closed folders."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

import alexandria_pipeline
from alexandria_pipeline.domain.errors import EmbeddedServerError
from alexandria_pipeline.storage.embedded import place
from alexandria_pipeline.storage.embedded.binaries import ServerAccount, find_programs
from alexandria_pipeline.storage.embedded.cluster import Cluster
from alexandria_pipeline.storage.embedded.processes import Holder, holder_of, read_postmaster
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline_tests.waiting import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow("starts and kills database servers of its own")

ROOT = os.geteuid() == 0
PROJECT = Path(alexandria_pipeline.__file__).parents[1]
ENSURE = """
import sys
from pathlib import Path
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
sys.stderr.write(EmbeddedServer(Path(sys.argv[1]), durable=False).ensure())
"""


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    """A home with a space in its name that the server's account can read. Its server is stopped afterwards."""
    home = Path(tempfile.mkdtemp(prefix="alexandria test "))
    home.chmod(0o755)
    try:
        yield home
    finally:
        with contextlib.suppress(EmbeddedServerError):
            EmbeddedServer(home).stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    with _home() as home:
        yield home


@pytest.fixture(scope="module")
def cluster() -> Iterator[EmbeddedServer]:
    """A server with one row in it, which the tests of this module stop, kill and damage in turn."""
    with _home() as home:
        server = EmbeddedServer(home)
        with psycopg.connect(server.ensure()) as connection:
            connection.execute("CREATE TABLE stored (word text)")
            connection.execute("INSERT INTO stored VALUES ('Łódź')")
        yield server


def _stored(url: str) -> list[tuple[str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT word FROM stored").fetchall()


def _kill_postmaster(server: EmbeddedServer) -> None:
    pid = server.status().pid
    assert pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: not server.status().running)


def _start_process(home: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", ENSURE, str(home)]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_eight_processes_get_one_server_and_print_nothing(home: Path) -> None:
    results = [process.communicate(timeout=PATIENCE) for process in [_start_process(home) for _ in range(8)]]

    assert {printed for printed, _ in results} == {""}
    urls = {url for _, url in results}
    assert len(urls) == 1
    assert urls == {EmbeddedServer(home).url()}
    servers = {process.pid: process for process in psutil.process_iter() if _is_server_of(home, process)}
    assert len([process for process in servers.values() if process.ppid() not in servers]) == 1


def _is_server_of(home: Path, process: psutil.Process) -> bool:
    """Whether it is a postmaster, or a process that the postmaster has just forked and that has no title of its own yet."""
    try:
        return "postgres" in process.name() and str(home) in " ".join(process.cmdline())
    except psutil.Error:  # it has ended in the meantime
        return False


def test_the_database_is_utf8_utc_local_and_private(cluster: EmbeddedServer) -> None:
    with psycopg.connect(cluster.ensure()) as connection:
        for name, value in {
            "server_encoding": "UTF8",
            "timezone": "UTC",
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "scram_iterations": "1",
            "tcp_keepalives_idle": "10",
        }.items():
            assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,), name
        connection.execute("CREATE EXTENSION pg_trgm")
        assert connection.execute("SELECT show_trgm('Ж') <> '{}'").fetchone() == (True,)
        connection.rollback()
    url = cluster.url()
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(url.replace(url.split(":")[2].split("@")[0], "guessed"))
    assert (cluster.home / "password").stat().st_mode & 0o777 == 0o600
    assert "password" not in str(cluster.status().url)
    assert url.split(":")[2].split("@")[0] not in str(cluster.status())


def test_stop_is_idempotent_and_the_port_and_the_data_stay(cluster: EmbeddedServer) -> None:
    before = cluster.ensure()

    assert cluster.stop() is True
    assert cluster.stop() is False
    assert cluster.status().running is False
    with pytest.raises(EmbeddedServerError, match="db start"):
        cluster.url()

    assert cluster.ensure() == before
    assert _stored(before) == [("Łódź",)]


def test_stopping_a_server_that_does_not_exist_creates_nothing(home: Path) -> None:
    server = EmbeddedServer(home / "new")
    assert server.stop() is False
    assert server.status().running is False
    assert not (home / "new").exists()


def test_a_killed_postmaster_with_a_busy_backend_is_replaced(cluster: EmbeddedServer) -> None:
    url = cluster.ensure()

    def keep_a_backend_busy() -> None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url) as connection:
            connection.execute("SELECT count(*) FROM generate_series(1, 1e12::bigint)")

    client = threading.Thread(target=keep_a_backend_busy)
    client.start()
    with psycopg.connect(url, autocommit=True) as watcher:
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series(1%' AND pid <> pg_backend_pid()"
        )
        until(lambda: watcher.execute(busy).fetchone() == (1,))
    _kill_postmaster(cluster)

    assert _stored(cluster.ensure()) == [("Łódź",)]
    client.join(timeout=PATIENCE)
    assert not client.is_alive()


def test_a_killed_server_is_revived_and_a_stopped_one_is_not(cluster: EmbeddedServer) -> None:
    url = cluster.ensure()
    assert cluster.revive() is False, "it is running"
    _kill_postmaster(cluster)
    assert cluster.revive() is True
    assert cluster.url() == url
    assert _stored(url) == [("Łódź",)]

    cluster.stop()
    assert cluster.revive() is False
    assert cluster.status().running is False


def test_a_pid_of_another_program_does_not_prevent_the_start(cluster: EmbeddedServer) -> None:
    cluster.ensure()
    lock_file = cluster.home / "data" / "postmaster.pid"
    lines = lock_file.read_text().splitlines()
    cluster.stop()
    other = subprocess.Popen(["sleep", "3600"])
    try:
        lock_file.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")
        if ROOT:
            shutil.chown(lock_file, "nobody")
        assert holder_of(other.pid, cluster.home / "data") is Holder.OTHER
        assert cluster.status().running is False
        assert cluster.stop() is False
        assert _stored(cluster.ensure()) == [("Łódź",)]
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_pid_without_a_process_does_not_prevent_the_start(cluster: EmbeddedServer) -> None:
    cluster.ensure()
    _kill_postmaster(cluster)
    server = read_postmaster(cluster.home / "data")
    assert server
    assert holder_of(server.pid, cluster.home / "data") in {Holder.NO_PROCESS, Holder.OTHER}  # OTHER: a zombie process
    assert _stored(cluster.ensure()) == [("Łódź",)]


def test_a_server_whose_port_is_used_gets_another_port(cluster: EmbeddedServer) -> None:
    cluster.ensure()
    port = cluster.status().port
    cluster.stop()
    with socket.create_server(("127.0.0.1", port or 0)):
        assert _stored(cluster.ensure()) == [("Łódź",)]
        assert cluster.status().port != port
    cluster.stop()
    cluster.ensure()
    assert cluster.status().port == port


@pytest.mark.parametrize("damage", ["", "cut"])
def test_a_lost_password_is_replaced_after_the_server_is_stopped(cluster: EmbeddedServer, damage: str) -> None:
    before = cluster.ensure()
    (cluster.home / "password").write_text(damage)
    with pytest.raises(EmbeddedServerError, match="db stop"):
        cluster.ensure()
    cluster.stop()

    after = cluster.ensure()
    assert after != before
    assert _stored(after) == [("Łódź",)]


def test_an_empty_lock_file_does_not_prevent_the_start(cluster: EmbeddedServer) -> None:
    cluster.ensure()
    cluster.stop()
    (cluster.home / "data" / "postmaster.pid").write_text("")
    assert _stored(cluster.ensure()) == [("Łódź",)]


def test_a_cluster_without_its_version_file_is_never_replaced(home: Path) -> None:
    (home / "postgres" / "data").mkdir(parents=True)
    precious = home / "postgres" / "data" / "precious"
    precious.write_text("rows")
    with pytest.raises(EmbeddedServerError, match="restore it from a backup"):
        EmbeddedServer(home).ensure()
    assert precious.read_text() == "rows"


def test_an_interrupted_initdb_is_repeated(home: Path) -> None:
    unfinished = home / "postgres" / "unfinished.0badf00d"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    server = EmbeddedServer(home, durable=False)
    with psycopg.connect(server.ensure()) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("alexandria",)
    assert not unfinished.exists()


def test_ctrl_c_in_the_starting_process_does_not_stop_the_server(home: Path) -> None:
    waiting = ENSURE + "\nsys.stderr.write('\\n'); sys.stderr.flush(); sys.stdin.read()\n"
    command, pipe = [sys.executable, "-c", waiting, str(home)], subprocess.PIPE
    starter = subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stderr=pipe, text=True, start_new_session=True)
    assert starter.stderr
    starter.stderr.readline()
    os.killpg(starter.pid, signal.SIGINT)
    starter.communicate(timeout=PATIENCE)
    assert EmbeddedServer(home).status().running


def test_the_error_of_a_failed_start_has_the_reason(home: Path) -> None:
    server = EmbeddedServer(home, durable=False)
    server.ensure()
    server.stop()
    with (server.home / "data" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedServerError, match="no_such_setting"):
        server.ensure()


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("FATAL:  could not write to file: No space left on device", "is full. Make room there"),
        ("initdb: could not look up effective user ID 12345: user does not exist", "a user with a name"),
        ("initdb: something else", "Its last log lines:\ninitdb: something else"),
    ],
)
def test_known_causes_of_a_failed_start_are_reported_with_the_way_out(tmp_path: Path, output: str, advice: str) -> None:
    assert advice in str(Cluster(tmp_path, None, durable=True).failure("It could not be made", output))


def test_programs_that_do_not_run_are_refused_with_what_to_do(home: Path) -> None:
    with pytest.raises(EmbeddedServerError, match="pip install"):
        EmbeddedServer(home, binaries=home / "nothing").ensure()
    with pytest.raises(
        EmbeddedServerError, match=r"PostgreSQL 9, which made this database.*ALEXANDRIA_POSTGRES_BINARIES"
    ):
        find_programs(None, None, home, 9)


@pytest.mark.skipif(not ROOT, reason="only root runs the server as another account")
def test_as_root_the_server_runs_without_privileges(cluster: EmbeddedServer) -> None:
    cluster.ensure()
    process = psutil.Process(cluster.status().pid)
    assert process.username() == "nobody"
    assert process.uids().effective != 0
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        groups = next(line for line in status.read_text().splitlines() if line.startswith("Groups:"))
        assert "0" not in groups.split()[1:]
    with pytest.raises(EmbeddedServerError, match="must not run as"):
        EmbeddedServer(cluster.home, account="root")


@pytest.mark.skipif(not ROOT, reason="only root runs the server as another account")
def test_as_root_the_cluster_of_a_closed_home_is_elsewhere_and_moves_with_its_home(home: Path) -> None:
    home.chmod(0o700)
    checkout = home / "checkout"
    first = EmbeddedServer(checkout / ".alexandria", durable=False)
    second = None
    try:
        with psycopg.connect(first.ensure()) as connection:
            connection.execute("create table kept ()")
        assert first.home.parent == place.ELSEWHERE
        checkout.chmod(0o755)
        assert EmbeddedServer(checkout / ".alexandria").home == first.home, "a cluster that exists stays where it is"

        renamed = checkout.rename(home / "renamed")
        with psycopg.connect(EmbeddedServer(renamed / ".alexandria", durable=False).ensure()) as connection:
            connection.execute("select from kept")

        shutil.rmtree(renamed / ".alexandria")
        second = EmbeddedServer(renamed / ".alexandria", durable=False)
        with psycopg.connect(second.ensure()) as connection:
            assert connection.execute("select to_regclass('kept')").fetchone() == (None,)
        assert second.home != first.home
        assert read_postmaster(first.home / "data") is None, "the server of the removed folder has been stopped"
    finally:
        for server in filter(None, (first, second)):
            server.stop()
            shutil.rmtree(server.home)


@pytest.mark.skipif(not ROOT, reason="only root runs the server as another account")
def test_a_cluster_elsewhere_that_is_gone_is_not_replaced_by_an_empty_one(home: Path) -> None:
    home.chmod(0o700)
    folder, left = place.settle(home)
    assert left == []
    assert place.settle(home) == (folder, []), "the pointer decides"
    (folder / "home").unlink()
    folder.rmdir()
    with pytest.raises(EmbeddedServerError, match="which is gone"):
        EmbeddedServer(home).ensure()
    assert not folder.exists()


@pytest.mark.skipif(not ROOT, reason="only root can give files to other users")
def test_a_pointer_of_another_user_or_to_another_folder_is_not_followed(home: Path) -> None:
    home.chmod(0o700)
    folder, _ = place.settle(home)
    try:
        pointer = home / "postgres-folder"
        assert EmbeddedServer(home).home == folder
        os.chown(pointer, *_ids_of("nobody"))
        assert EmbeddedServer(home).home != folder
        os.chown(pointer, 0, 0)
        pointer.write_text("/etc/books")
        assert EmbeddedServer(home).home == home / "postgres"
        with pytest.raises(EmbeddedServerError, match="restore the file, or remove it"):
            EmbeddedServer(home).ensure()
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(not ROOT, reason="only root can give folders to other users")
@pytest.mark.parametrize("foreign", ["", "data", "password"])
@pytest.mark.parametrize("question", ["ensure", "status", "stop", "programs", "revive"])
def test_files_of_another_user_are_refused_before_they_are_read(home: Path, foreign: str, question: str) -> None:
    server = EmbeddedServer(home)
    (server.home / "data").mkdir(parents=True)
    (server.home / "password").write_text("x" * 32)
    (server.home / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n\n\n5432\n")
    os.chown(server.home / foreign, 12_345, 12_345)
    with pytest.raises(EmbeddedServerError, match="belongs to another user"):
        getattr(server, question)()


def test_a_link_in_place_of_the_data_is_refused(home: Path) -> None:
    server = EmbeddedServer(home)
    server.home.mkdir()
    (home / "elsewhere").mkdir()
    (server.home / "data").symlink_to(home / "elsewhere")
    with pytest.raises(EmbeddedServerError, match="symbolic link"):
        server.status()


def test_a_server_that_asks_for_no_password_is_refused(cluster: EmbeddedServer) -> None:
    url = cluster.ensure()
    hba = cluster.home / "data" / "pg_hba.conf"
    with psycopg.connect(url, autocommit=True) as connection:
        hba.write_text("host all all 127.0.0.1/32 trust\n")
        connection.execute("SELECT pg_reload_conf()")
        refused = until(lambda: _refusal(url))
        hba.write_text("host all all 127.0.0.1/32 scram-sha-256\n")
        connection.execute("SELECT pg_reload_conf()")
    assert "scram-sha-256" in refused


def _refusal(url: str) -> str:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


@pytest.mark.skipif(not ROOT, reason="only root runs the server as another account")
def test_a_wheel_in_a_closed_folder_is_copied_for_the_account(home: Path) -> None:
    original = find_programs(None, None, home, None).folder
    package = original.parents[1]
    closed = home / "closed"
    for source in (package, package.parent / f"{package.name}.libs"):
        if source.exists():
            shutil.copytree(source, closed / source.name, symlinks=True)
    closed.chmod(0o700)
    server_account = ServerAccount("nobody", *_ids_of("nobody"))
    programs = find_programs(closed / package.name / "pginstall" / "bin", server_account, home / "programs", None)
    assert programs.folder.is_relative_to(home / "programs")
    assert not programs.run("postgres", "--version").returncode


def _ids_of(name: str) -> tuple[int, int]:
    import pwd  # noqa: PLC0415 - not on every system

    entry = pwd.getpwnam(name)
    return entry.pw_uid, entry.pw_gid


def test_other_users_cannot_hold_the_lock(home: Path) -> None:
    server = EmbeddedServer(home)
    server.home.mkdir(parents=True, exist_ok=True)
    lock = server.home / "lock"
    lock.touch(mode=0o644)
    with server._lock():
        assert lock.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("changed", ["bin/initdb", "bin", "."])
def test_programs_that_others_can_change_are_refused(tmp_path: Path, changed: str) -> None:
    folder = tmp_path / "of_another" / "bin"
    folder.mkdir(parents=True)
    for program in ("initdb", "pg_ctl", "postgres"):
        (folder / program).write_text("#!/bin/sh\nexit 1\n")
        (folder / program).chmod(0o755)
    with pytest.raises(EmbeddedServerError, match="does not run here"):
        find_programs(folder, None, tmp_path / "copies", None)
    (tmp_path / "of_another" / changed).chmod(0o777)
    with pytest.raises(EmbeddedServerError, match="other users can change"):
        find_programs(folder, None, tmp_path / "copies", None)


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_server_whose_folder_was_removed_does_not_harm_the_next_database(home: Path, replaced: bool) -> None:
    """`rm -rf` of the home while its server runs, as people do to start over, or a copy put in its place."""
    server = EmbeddedServer(home)
    with psycopg.connect(server.ensure()) as connection:
        connection.execute("CREATE TABLE stored AS SELECT 'first' AS word")
    old = server.status().pid
    assert old is not None
    if replaced:
        shutil.copytree(server.home, home / "copy")
    shutil.rmtree(server.home)
    if replaced:
        (home / "copy").rename(server.home)
        for path in (server.home, *server.home.rglob("*")):
            if ROOT:
                os.chown(path, *((0, 0) if path == server.home else _ids_of("nobody")))
    new = EmbeddedServer(home)
    with psycopg.connect(new.ensure()) as connection:
        connection.execute("CREATE TABLE later AS SELECT 'second' AS word")
    assert new.status().pid != old
    assert not psutil.pid_exists(old)

    new.stop()
    with psycopg.connect(new.ensure()) as connection:
        assert connection.execute("SELECT word FROM later").fetchone() == ("second",)
        assert (connection.execute("SELECT to_regclass('stored')").fetchone() != (None,)) is replaced
