"""Dagster's own records on a local server that dies under a process that lives on."""

import os
import signal
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.instance.ref import InstanceRef

from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline_tests.processes import PROJECT
from alexandria_pipeline_tests.waiting import until

pytestmark = pytest.mark.slow("kills a database server of its own")


def _connections_made(server: EmbeddedServer) -> int:
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute("select sum(sessions)::int from pg_stat_database").fetchone()
    assert row
    return int(row[0])


def test_a_process_that_finds_the_local_server_dead_starts_it_again(
    fragile: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `dagster dev` does for days: no other process starts the server."""
    monkeypatch.delenv("ALEXANDRIA_DATABASE_URL", raising=False)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(fragile.home.parent))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dagster.yaml").write_text((PROJECT / "dagster.yaml").read_text())
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert list(instance.get_runs()) == []
        before = _connections_made(fragile)
        for _ in range(20):
            instance.get_runs_count()
        assert _connections_made(fragile) - before < 5, "statements share a connection; the count itself makes one"
        postmaster = fragile.status().pid
        assert postmaster
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: not fragile.status().running)
        assert list(instance.get_runs()) == []
        assert fragile.status().running
