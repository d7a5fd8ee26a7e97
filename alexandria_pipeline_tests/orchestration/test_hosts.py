"""Three hosts on one database: separate folders and homes, the same months at the same time."""

import shutil
from pathlib import Path

import pytest

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests.processes import PROJECT, Command, Site, materialize
from alexandria_pipeline_tests.world import rows

pytestmark = pytest.mark.slow("three processes run two months")

MONTHS = "2020-06...2020-07"
OVERLAPS = """
select a.year, a.month from month_claim a join month_claim b using (year, month)
where a.claim_id < b.claim_id and tstzrange(a.claimed_at, a.released_at) && tstzrange(b.claimed_at, b.released_at)
"""


def test_three_hosts_with_the_same_months_do_each_once(database: Database, database_url: str, tmp_path: Path) -> None:
    hosts = []
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        shutil.copy(PROJECT / "dagster.yaml", tmp_path / name)
        hosts.append(Command(Site(tmp_path / name, database_url), *materialize(MONTHS)))
    outcomes = [host.wait() for host in hosts]
    shown = "\n".join(host.output for host in hosts)
    assert 0 in outcomes, shown
    assert "Traceback" not in shown
    assert {row["status"] for row in rows(database, "select status from backfill_log")} == {"completed"}, shown
    assert len(rows(database, "select 1 from backfill_log")) == 2
    assert rows(database, OVERLAPS) == [], "no month has two owners at a time"
    twice = "select 1 from generated_book group by year, month, title, author having count(*) > 1"
    assert rows(database, twice) == []
    assert rows(database, "select 1 from generation_reply group by year, month, provider having count(*) > 1") == []
