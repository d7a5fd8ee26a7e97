"""Runs as a person types them: real processes, a database and a state folder of their own, killed and raced.

The processes read `dagster.yaml`, with `DAGSTER_HOME` unset, so Dagster's own tables land in the same database.
"""

import itertools
import os
import re
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.storage.connect import open_database
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import read_migrations
from alexandria_pipeline_tests.checkpoints import Barrier, Checkpoint, closed_barrier
from alexandria_pipeline_tests.processes import PROJECT, Command, Site, materialize, succeeds
from alexandria_pipeline_tests.waiting import until
from alexandria_pipeline_tests.world import JUNE, dump, holder, rows

pytestmark = pytest.mark.slow("each test starts processes of Dagster")

ADJECTIVES = "amber bitter crooked distant early feral golden hollow inland jagged kindred lonely marble narrow opal patient".split()
NOUNS = "anchor bridge canyon desert engine forest garden harbour island junction kettle lantern meadow needle orchard palace".split()
PLACES = "Aachen Bergen Cadiz Dover Essen Faro Genoa Hobart Izmir Jaffa Kyoto Lagos".split()
FIRST = "Anna Boris Clara David Elena Felix Greta".split()
LAST = "Abbott Becker Castell Dorsey Eklund Fischer Galvan Hansen Ibarra Jansen Keller Lindqvist Moreau".split()


@pytest.fixture
def site(empty_database_url: str, tmp_path: Path) -> Site:
    """A folder with the project's `dagster.yaml`, and a database without any table."""
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    return Site(tmp_path, empty_database_url)


@pytest.fixture
def migrated(database_url: str, tmp_path: Path) -> Site:
    """The same with all tables, so that a run can be stopped at a row of one."""
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    return Site(tmp_path, database_url)


def _large(site: Site, months: Sequence[Month], books: int) -> Site:
    """The same site with so many books in each month; the catalogue knows all of them."""
    listed, known = ["month\ttitle\tauthor"], ["title\tauthor\tisbn13\tdate"]
    names = itertools.product(PLACES, ADJECTIVES, NOUNS)
    authors = itertools.cycle(itertools.product(FIRST, LAST))
    for number, (month, _) in enumerate(itertools.product(months, range(books))):
        place, adjective, noun = next(names)
        first, last = next(authors)
        title, author = f"The {adjective.title()} {noun.title()} of {place}", f"{first} {last}"
        digits = f"9783{number:08d}"
        isbn = digits + str(-sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(digits)) % 10)
        listed.append(f"{month}\t{title}\t{author}")
        known.append(f"{title}\t{author}\t{isbn}\t{month.year}")
    (site.folder / "list.tsv").write_text("\n".join(listed) + "\n")
    with open_database(site.url, site.folder / "state") as database:
        load_catalog(database, "catalogue.tsv", ("\n".join(known) + "\n").encode())
    return Site(site.folder, site.url, site.folder / "list.tsv")


def _our_tables() -> list[str]:
    return [name for each in read_migrations() for name in re.findall(r"^create table (\w+)", each.text, re.MULTILINE)]


LISTED_MONTHS = Checkpoint("generation_reply", "read_at", "is not null")
PERSISTED_BOOKS = Checkpoint("generated_book", "work_id", "is not null")
RESOLVED_BOOKS = Checkpoint("generated_book", "outcome", "= 'resolved'")


def _start_and_stop_at(site: Site, months: str, barrier: Barrier) -> Command:
    """A run that waits at the checkpoint."""
    command = Command(site, *materialize(months))
    until(lambda: barrier.reached() or not command.running, lambda: command.output[-3000:])
    assert command.running, command.output[-3000:]
    return command


def _assert_everything_once(database: Database, months: int, books: int) -> None:
    count = "select count(*) as n from "
    tables = {
        "generation_reply": months, "generated_book": months * books, "generated_listing": months * books,
        "enriched_works": months * books, "enriched_editions": months * books, "work_alias": 0,
    }  # fmt: skip
    assert {table: rows(database, count + table)[0]["n"] for table in tables} == tables
    assert rows(database, "select outcome, count(*) as n from generated_book group by outcome") == [
        {"outcome": "resolved", "n": months * books}
    ]
    twice = "select work_id from resolution_attempt group by work_id, provider having count(*) > 1"
    assert rows(database, twice) == [], "a question was asked again whose answer was stored"
    assert rows(database, "select 1 from enriched_works where synthetic") == []
    assert rows(database, "select status, count(*) as n from backfill_log group by status") == [
        {"status": "completed", "n": months}
    ]
    assert rows(database, "select 1 from backfill_log where owner_run is not null") == []
    assert rows(database, "select 1 from month_claim where released_at is null") == []


# What a newcomer types.


def test_a_quarter_and_the_same_quarter_again(site: Site) -> None:
    succeeds(site, *materialize("2020-01...2020-03"))
    with Database(site.url) as database:
        status = rows(database, "select status, count(*) as n from backfill_log group by status")
        assert status == [{"status": "completed", "n": 3}]
        resolved = rows(database, "select 1 from generated_book where outcome = 'resolved'")
        assert len(resolved) > 0.95 * len(rows(database, "select 1 from generated_book")) > 30

        before = dump(database, _our_tables())
        succeeds(site, *materialize("2020-01...2020-03"))
        assert dump(database, _our_tables()) == before
        assert rows(database, "select distinct status from runs") == [{"status": "SUCCESS"}], "Dagster's own records"


def test_dg_launches_from_the_project_root(site: Site) -> None:
    """`make check` runs `dg check defs`."""
    succeeds(site, "dg", "launch", "--assets", "*", "--partition", "2020-06", cwd=PROJECT, installed=True)
    with Database(site.url) as database:
        assert rows(database, "select status from backfill_log") == [{"status": "completed"}]


# kill -9.


def test_kill_9_in_every_stage_and_the_same_command_again(migrated: Site) -> None:
    """One run is killed while it lists, the next while it keeps, the next while it resolves; the fourth one ends.

    Thirty kills at random places: `benchmarks/kills.py`.
    """
    # More books than one transaction of the resolution stores (WRITE_BATCH), so that it is stopped between two.
    months, books = [Month(2001, 1) + number for number in range(3)], 30
    large, span = _large(migrated, months, books), f"{months[0]}...{months[-1]}"
    for checkpoint in (LISTED_MONTHS, PERSISTED_BOOKS, RESOLVED_BOOKS):
        with closed_barrier(large.url, checkpoint) as barrier:
            command = _start_and_stop_at(large, span, barrier)
            assert barrier.done() > 0
            command.kill()
        with psycopg.connect(large.url) as connection:
            connection.execute(f"drop trigger checkpoint on {checkpoint.table}".encode())

    with Database(large.url) as database:
        assert len(rows(database, "select 1 from backfill_log where status = 'processing'")) > 0
        answered = rows(database, "select reply_id, received_at from generation_reply order by reply_id")
        decided = rows(database, "select book_id, decided_at from generated_book where decided_at is not null")
        assert 0 < len(decided) < len(months) * books

        succeeds(large, *materialize(span))
        _assert_everything_once(database, len(months), books)
        assert rows(database, "select reply_id, received_at from generation_reply order by reply_id") == answered
        now = {
            row["book_id"]: row["decided_at"]
            for row in rows(database, "select book_id, decided_at from generated_book")
        }
        assert all(now[row["book_id"]] == row["decided_at"] for row in decided), "a book was decided twice"

        ended = rows(database, "select ended_as, count(*) as n from month_claim group by ended_as")
        assert {row["ended_as"] for row in ended} == {"owner died", "completed"}
        assert rows(database, "select max(retry_count) as most from backfill_log") == [{"most": 3}]


# Two owners.


def test_a_month_that_another_run_holds_is_refused_and_the_owner_is_named(site: Site) -> None:
    with open_database(site.url, site.folder / "state") as database:
        other = holder(database, "run-other")
        other.claim([JUNE])
        try:
            command = Command(site, *materialize("2020-06"))
            assert command.wait() == 1
            assert re.search(
                r"2020-06 is owned by run run-other \(test process of run-other\) since \d{4}-", command.output
            )
            assert rows(database, "select owner_run from backfill_log") == [{"owner_run": "run-other"}]
            assert rows(database, "select 1 from generated_book") == []
        finally:
            other.close("the test is over", failed=False)


def test_of_two_runs_started_together_one_works_and_the_other_learns_who_owns_the_month(migrated: Site) -> None:
    """The one that works is held until the other one has ended."""
    books = 20
    large = _large(migrated, [JUNE], books)
    with closed_barrier(large.url, PERSISTED_BOOKS):
        pair = [Command(large, *materialize("2020-06")) for _ in range(2)]
        until(lambda: not all(command.running for command in pair))
    exits = [command.wait() for command in pair]
    assert sorted(exits) == [0, 1], [command.output[-2000:] for command in pair]
    with Database(large.url) as database:
        (claim,) = rows(database, "select * from month_claim")
        refused = pair[exits.index(1)].output
        assert f"2020-06 is owned by run {claim['run_id']} ({claim['owner']}) since" in refused
        assert re.fullmatch(r"process \d+ on .+", claim["owner"])
        _assert_everything_once(database, 1, books)


# The database dies.


def test_a_database_that_dies_fails_the_run_and_the_same_command_completes_it(
    fragile: EmbeddedServer, tmp_path: Path
) -> None:
    """It dies while books are persisted, and is back at once. The next run processes the months that failed."""
    shutil.copy(PROJECT / "dagster.yaml", tmp_path)
    months, books = [Month(2001, 1) + number for number in range(3)], 10
    large = _large(Site(tmp_path, fragile.url()), months, books)
    span = f"{months[0]}...{months[-1]}"
    with closed_barrier(large.url, PERSISTED_BOOKS) as barrier:
        command = _start_and_stop_at(large, span, barrier)
        postmaster = fragile.status().pid
        assert postmaster
        os.kill(postmaster, signal.SIGKILL)
    until(lambda: not fragile.status().running)
    assert fragile.ensure() == large.url, "the server comes back where it was"
    assert command.wait() == 1, command.output[-3000:]

    with Database(large.url) as database:
        assert rows(database, "select 1 from generated_book where work_id is not null") != []
        succeeds(large, *materialize(span))
        _assert_everything_once(database, len(months), books)
