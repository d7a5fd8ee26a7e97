"""What the retention removes, and what it must not touch."""

from __future__ import annotations

from pathlib import Path

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.retention import prune
from alexandria_pipeline_tests.world import JUNE, dump, pipeline, rows, run_all

KEPT = ["generation_reply", "generated_book", "generated_listing", "enriched_works", "enriched_editions", "api_call",
        "month_claim", "backfill_log"]  # fmt: skip
NOTHING = {"http_cache": 0, "alert": 0, "stage_log": 0, "resolution_attempt": 0, "library_change": 0}


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
    assert prune(database, 90) == NOTHING, "the newest entry of each month, stage, work and provider stays"
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

    removed = prune(database, 90)
    assert removed == NOTHING | {"stage_log": newer, "resolution_attempt": replaced}, (
        "each stage of run-2 has replaced one"
    )
    assert len(rows(database, "select 1 from stage_log")) == old
    assert len(rows(database, "select 1 from resolution_attempt")) == len(before["resolution_attempt"]) - replaced
    assert dump(database, KEPT) == kept
    assert prune(database, 90) == NOTHING


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
    assert prune(database, 90) == NOTHING | {"alert": 1}
    assert {row["cause"] for row in rows(database, "select cause from alert")} == {"open", "unsent", "new"}
