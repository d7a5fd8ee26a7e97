"""What the retention removes, and what it must not touch."""

from __future__ import annotations

from pathlib import Path

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.queries import Queries
from alexandria_pipeline.storage.retention import prune
from alexandria_pipeline_tests.world import JUNE, dump, pipeline, rows, run_all

KEPT = ["generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions", "api_call",
        "month_claim", "backfill_log"]  # fmt: skip
NOTHING = {"http_cache": 0, "alert": 0, "stage_log": 0, "resolution_attempt": 0, "library_change": 0,
           "api_call": 0, "enrichment_log": 0}  # fmt: skip


def _age(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(
            "update stage_log set ended_at = ended_at - interval '91 days', started_at = started_at - interval '92 days'"
        )
        tx.execute("update resolution_attempt set attempted_at = attempted_at - interval '91 days'")


def test_old_entries_go_and_the_newest_of_each_kind_stays(database: Database, tmp_path: Path) -> None:
    world = pipeline(database, tmp_path)
    run_all(database, world, [JUNE])
    _age(database)
    assert prune(database, 90, 400) == NOTHING, "the newest entry of each month, stage, work and provider stays"
    run_all(database, world, [JUNE], "run-2")
    before, kept = dump(database, ["resolution_attempt"]), dump(database, KEPT)
    old = len(rows(database, "select 1 from stage_log where run_id = 'run-1'"))
    newer = len(rows(database, "select 1 from stage_log where run_id = 'run-2'"))
    replaced = len(
        rows(
            database,
            "select 1 from resolution_attempt a where outcome = 'not_found' and run_id = 'run-1' and exists"
            " (select from resolution_attempt b where b.work_id = a.work_id and b.provider = a.provider and b.run_id = 'run-2')",
        )
    )
    assert newer > 0 < replaced

    removed = prune(database, 90, 400)
    assert removed == NOTHING | {"stage_log": newer, "resolution_attempt": replaced}, (
        "each stage of run-2 has replaced one"
    )
    assert len(rows(database, "select 1 from stage_log")) == old
    assert len(rows(database, "select 1 from resolution_attempt")) == len(before["resolution_attempt"]) - replaced
    assert dump(database, KEPT) == kept
    assert prune(database, 90, 400) == NOTHING


def test_an_alert_goes_when_it_was_sent_and_its_cause_is_over(database: Database) -> None:
    statement = (
        b"insert into alert (cause, title, text, happened_at, over_at, sent_at)"
        b" values (%s, 't', 't', now() - interval '1 year', now() - %s::interval, now() - %s::interval)"
    )
    with database.transaction() as tx:
        for values in (
            ("open", None, "1 day"),
            ("unsent", "1 year", None),
            ("new", "1 day", "1 day"),
            ("old", "1 year", "1 year"),
        ):
            tx.execute(statement, values)
    assert prune(database, 90, 400) == NOTHING | {"alert": 1}
    assert {row["cause"] for row in rows(database, "select cause from alert")} == {"open", "unsent", "new"}


CALLS = b"""
insert into api_call (service, operation, year, month, method, url, outcome, cost_usd, input_tokens, called_at)
select service, 'backfill', case when n % 2 = 0 then 2020 end, case when n % 2 = 0 then 6 end, 'GET', 'https://host',
       (array['answered', 'failed', 'sent'])[1 + n % 3], case when n % 5 > 0 then 0.01 end, 3, now() - make_interval(days => n)
from unnest(array['isbndb', 'gemini', 'wikidata']) service, generate_series(380, 420) n
"""
SUMS = {
    "spent": Queries("reports")["spent"],
    "calls": Queries("monitoring")["calls"],
}


def test_calls_are_added_up_before_they_are_removed(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(CALLS)
        tx.execute(
            b"insert into provider_health (service, breaker, retry_at) values ('wikidata', 'open', now()), ('isbndb', 'closed', null)"
        )
    month = "select * from month_calls(array[2020::smallint], array[6::smallint])"
    before = {name: database.fetch_all(query) for name, query in SUMS.items()}, rows(database, month)
    removed = prune(database, 90, 400)["api_call"]
    kept = rows(
        database, "select service, count(*) as n, max(now() - called_at) as oldest from api_call group by 1 order by 1"
    )
    assert (removed, [row["n"] for row in kept]) == (42, [20, 20, 41]), (
        "a service whose breaker is open keeps its calls"
    )
    assert ({name: database.fetch_all(query) for name, query in SUMS.items()}, rows(database, month)) == before
    with database.transaction() as tx:
        tx.execute(b"update api_call set called_at = called_at - interval '30 days'")
    assert prune(database, 90, 400)["api_call"] == 40
    assert ({name: database.fetch_all(query) for name, query in SUMS.items()}, rows(database, month)) == before


def test_a_replaced_rejection_goes_and_the_newest_stays(database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(
            b"insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider)"
            b" values ('k', 'T', 'A', 't', 'a', 'test')"
        )
        tx.execute(
            b"insert into resolution_attempt (work_id, provider, outcome, run_id, attempted_at)"
            b" select work_id, 'isbndb', outcome, run, now() - interval '1 year' from enriched_works,"
            b" (values ('found', '1'), ('rejected', '2'), ('rejected', '3')) a (outcome, run)"
        )
    assert prune(database, 90, 400) == NOTHING | {"resolution_attempt": 1}
    assert [row["run_id"] for row in rows(database, "select run_id from resolution_attempt order by 1")] == ["1", "3"]
