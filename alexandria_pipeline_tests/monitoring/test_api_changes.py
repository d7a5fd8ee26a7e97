"""The feed of changes: nothing is missed while transactions overlap, and a follower learns when it has to begin anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.retention import prune
from alexandria_pipeline_tests.world import JULY, JUNE, pipeline, rows, run_all

ADD = b"""
insert into enriched_works (work_key, title, author, title_key, author_key, primary_provider) values (%s, 't', 'a', 't', 'a', 'test')
"""


class Follower:
    """Another system that follows the feed."""

    def __init__(self, client: httpx.Client, **first: str) -> None:
        self._client, self._place = client, first

    def page(self, limit: int = 200) -> httpx.Response:
        return self._client.get("/api/v1/changes", params={"limit": str(limit), **self._place})

    def read(self, limit: int = 200) -> list[dict[str, Any]]:
        """All new changes, page by page."""
        items: list[dict[str, Any]] = []
        more = True
        while more:
            page = self.page(limit).json()
            self._place, more = {"cursor": page["next"]}, page["more"]
            items += page["items"]
        return items

    def keys(self, kind: str = "work") -> list[str]:
        return [change["key"] for change in self.read() if change["kind"] == kind]


def add(database: Database, key: str) -> None:
    with database.transaction() as tx:
        tx.execute(ADD, [key])


def test_a_follower_has_the_library_of_today(client: httpx.Client, database: Database, tmp_path: Path) -> None:
    follower = Follower(client)
    run_all(database, pipeline(database, tmp_path), [JUNE])
    first = follower.read(limit=2)
    run_all(database, pipeline(database, tmp_path), [JULY], "run-2")
    changes = first + follower.read(limit=3)
    known = {key for kind in ("work", "edition") for key in _present(changes, kind)}
    stored = rows(database, "select work_key as key from enriched_works union select isbn13 from enriched_editions")
    assert known == {row["key"] for row in stored}
    assert follower.read() == []


def _present(changes: list[dict[str, Any]], kind: str) -> set[str]:
    last = {change["key"]: change["action"] for change in changes if change["kind"] == kind}
    return {key for key, action in last.items() if action == "changed"}


def test_a_transaction_that_commits_late_is_not_missed(client: httpx.Client, database: Database) -> None:
    follower = Follower(client, **{"from": "now"})
    assert follower.keys() == []
    with database.session() as slow:
        slow.execute("begin")
        slow.execute(ADD, ["slow"])
        add(database, "quick")
        early = follower.keys()
        slow.execute("commit")
    assert sorted(early + follower.keys()) == ["quick", "slow"]
    assert follower.keys() == []


def test_the_time_of_a_search_is_no_change(client: httpx.Client, database: Database) -> None:
    add(database, "one")
    follower = Follower(client, **{"from": "now"})
    follower.read()
    rows(database, "update enriched_works set last_tried_at = now(), updated_at = now() returning 1")
    assert follower.keys() == []
    rows(database, "update enriched_works set title = 'u' returning 1")
    assert follower.keys() == ["one"]


def test_a_new_key_removes_the_old_one(client: httpx.Client, database: Database) -> None:
    add(database, "old")
    follower = Follower(client, **{"from": "now"})
    follower.read()
    rows(database, "update enriched_works set work_key = 'new' returning 1")
    assert [(each["key"], each["action"]) for each in follower.read()] == [("old", "removed"), ("new", "changed")]


def test_pruned_changes_are_gone_for_a_follower_that_has_not_read_them(
    client: httpx.Client, database: Database
) -> None:
    late, punctual = Follower(client, **{"from": "now"}), Follower(client)
    late.read()
    for number in range(5):
        add(database, f"work {number}")
    assert len(punctual.keys()) == 5
    rows(database, "update library_change set changed_at = now() - interval '91 days' returning 1")
    assert prune(database, 90, 400)["library_change"] == 4
    answer = late.page()
    assert answer.status_code == 410
    assert "from=now" in answer.json()["error"]
    add(database, "after")
    assert punctual.keys() == ["after"]
    assert Follower(client).keys() == ["after"]
    assert prune(database, 90, 400)["library_change"] == 0


def test_a_cursor_of_another_database_is_gone(client: httpx.Client, database: Database) -> None:
    add(database, "one")
    follower = Follower(client)
    follower.read()
    rows(database, "update library_change set epoch = 'other' returning 1")
    assert Follower(client).keys() == []
    answer = client.get("/api/v1/changes", params={"cursor": "Yzo3MDEuNTo5OTk6Nw=="})
    assert answer.status_code == 410


def test_wrong_places_are_refused(client: httpx.Client) -> None:
    for query in (
        "from=here",
        "from=now&cursor=Yzo3MDEuNTo5OTk6Nw==",
        "cursor=Yzox",
        "cursor=dzox",
        "cursor=Yzo3LjU6OTk5OTk5OTk5OTk5OTk5OTk5OTo3",
    ):
        assert client.get(f"/api/v1/changes?{query}").status_code == 422, query
