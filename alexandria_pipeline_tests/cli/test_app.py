"""The `alexandria` command: exit statuses, what it prints for people, and the JSON that programs rely on.

Most tests call the entry point in this process, as the installed script does; where a process matters, it is a process.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg import sql

import alexandria_pipeline.cli
from alexandria_pipeline.cli.app import COMMANDS, load, main
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline_tests.waiting import PATIENCE
from alexandria_pipeline_tests.world import CATALOGUE, JULY, JUNE, dump, pipeline, rows, run_all

pytestmark = pytest.mark.slow("each command is a process")

BIN = Path(sys.executable).parent
NO_SERVER = "postgresql://someone:geheim@127.0.0.1:1/nowhere"
CATALOGUE_TABLES = ("catalog_edition", "catalog_load", "set_aside")


@dataclass(frozen=True)
class Answer:
    """Exit status and output of a command."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Alexandria(Protocol):
    def __call__(self, *words: str, **settings: str) -> Answer: ...


def _foreign(name: str) -> bool:
    return name.startswith(("ALEXANDRIA_", "DAGSTER_", "PG")) or name.endswith("_API_KEY")


@pytest.fixture
def alexandria(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Alexandria:
    """Types a command in a folder and an environment of its own; settings are given without `ALEXANDRIA_`."""
    for name in filter(_foreign, list(os.environ)):
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def type_in(*words: str, **settings: str) -> Answer:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["alexandria", *words])
            for name, value in settings.items():
                patch.setenv(f"ALEXANDRIA_{name.upper()}", value)
            capsys.readouterr()
            try:
                main()
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            else:
                status = 0
        return Answer(status, *capsys.readouterr())

    return type_in


@pytest.fixture
def filled(database: Database, database_url: str, tmp_path: Path) -> str:
    """The address of a database in which June and July have been run."""
    run_all(database, pipeline(database, tmp_path), [JUNE, JULY])
    return database_url


def _process(*words: str, **settings: str) -> Answer:
    environment = {name: value for name, value in os.environ.items() if not _foreign(name)}
    environment |= {f"ALEXANDRIA_{name.upper()}": value for name, value in settings.items()}
    done = subprocess.run(
        [BIN / "alexandria", *words], env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    return Answer(done.returncode, done.stdout, done.stderr)


# Help and wrong use.


def test_help_names_every_command(alexandria: Alexandria) -> None:
    answer = alexandria("--help")
    assert answer.status == 0
    for command in ("status", "books", "resolve", "providers", "set-aside", "db", "catalog"):
        assert re.search(rf"\b{command}\b", answer.out), command
    listed = alexandria("db", "--help").out
    assert all(command in listed for command in ("start", "stop", "status", "url", "migrate"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["db", "restart"], "No such command 'restart'"),
        (["status", "--yaml"], "No such option"),
        (["books"], "Missing argument 'MONTH'"),
        (["books", "2020-13"], "2020-13 is not a month"),
        (["books", "2020-00"], "2020-00 is not a month"),
        (["books", "June 2020"], "'June 2020' is not a month: write it as YYYY-MM"),
        (["books", "2020-6"], "write it as YYYY-MM"),
        (["books", "٢٠٢٠-٠٦"], "write it as YYYY-MM"),
        (["status", "2020-06", "2020-13"], "2020-13 is not a month"),
        (["resolve", "Hamnet"], "Missing option '--author'"),
        (["resolve", "Hamnet", "--author", "O'Farrell", "--year", "soon"], "'soon' is not a valid int"),
        (["catalog", "load"], "Missing argument 'FILE...'"),
    ],
)
def test_wrong_use_is_2_and_states_what_is_wrong(alexandria: Alexandria, words: list[str], complaint: str) -> None:
    answer = alexandria(*words, database_url=NO_SERVER)
    assert answer.status == 2
    assert complaint in " ".join(re.sub(r"[│╭╮╰╯─]", " ", answer.err).split())
    assert "Traceback" not in answer.err
    assert answer.out == ""


@pytest.mark.parametrize("words", [["status"], ["db", "status"], ["db", "stop"], ["providers"]])
def test_wrong_settings_are_2_and_all_named_at_once(alexandria: Alexandria, words: list[str]) -> None:
    answer = alexandria(
        *words,
        language="english",
        books_in_flight="0",
        database_url="mysql://someone:geheim@db/x",
        prompt_variant="mine",
    )
    assert answer.status == 2
    for name in ("LANGUAGE", "BOOKS_IN_FLIGHT", "DATABASE_URL", "PROMPT_VARIANT"):
        assert f"ALEXANDRIA_{name}: " in answer.err
    assert "must start with postgresql://" in answer.err
    assert "geheim" not in answer.err + answer.out


def test_an_unreadable_address_is_2_and_does_not_show_the_password(alexandria: Alexandria) -> None:
    answer = alexandria("status", database_url="postgresql://someone:geheim%zz@db/x")
    assert answer.status == 2
    assert "ALEXANDRIA_DATABASE_URL should look like postgresql://user:password@host:5432/name" in answer.err
    assert "geheim" not in answer.err


def test_a_provider_that_does_not_exist_is_wrong_use(alexandria: Alexandria, database_url: str) -> None:
    answer = alexandria("providers", database_url=database_url, generators="curated-list,nobody")
    assert answer.status == 2
    assert "ALEXANDRIA_GENERATORS: names nobody" in answer.err


# No database.


@pytest.mark.parametrize(
    "words",
    [
        ["status"],
        ["status", "--json"],
        ["books", "2020-06"],
        ["resolve", "Hamnet", "--author", "Maggie O'Farrell"],
        ["providers"],
        ["set-aside"],
        ["catalog", "load", "list.tsv"],
        ["db", "start"],
        ["db", "migrate"],
    ],
)
def test_no_database_is_1_and_one_plain_line(alexandria: Alexandria, words: list[str], tmp_path: Path) -> None:
    (tmp_path / "list.tsv").write_text(CATALOGUE)
    answer = alexandria(*words, database_url=NO_SERVER)
    assert answer.status == 1
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    assert line.startswith("alexandria: The database someone@127.0.0.1:1/nowhere cannot be reached: ")
    assert "geheim" not in line


def test_no_database_as_a_process() -> None:
    answer = _process("status", database_url=NO_SERVER)
    assert (answer.status, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert "cannot be reached" in answer.err
    assert "geheim" not in answer.err


def test_a_wrong_password_is_1_and_not_shown(alexandria: Alexandria, database_url: str) -> None:
    guessed = re.sub(r"//(\w+):[^@]+@", r"//\1:geheim@", database_url)
    answer = alexandria("status", database_url=guessed)
    assert answer.status == 1
    assert "password authentication failed" in answer.err
    assert answer.err.count("\n") == 1
    assert "geheim" not in answer.err


def test_the_status_of_a_database_that_is_away_is_an_answer(alexandria: Alexandria) -> None:
    answer = alexandria("db", "status", "--json", database_url=NO_SERVER)
    assert answer.status == 0
    assert answer.json["running"] is False
    assert answer.json["server"] == "someone@127.0.0.1:1/nowhere"
    assert "cannot be reached" in answer.json["reason"]
    assert "geheim" not in answer.out


def test_tables_that_are_too_old_are_1_with_the_way_out(
    alexandria: Alexandria, database_url: str, database: Database
) -> None:
    with database.transaction() as tx:
        tx.execute("delete from schema_migration where version = (select max(version) from schema_migration)")
        tx.execute("insert into schema_migration values (9999, '9999_from_tomorrow.sql', 'x')")
    answer = alexandria("status", database_url=database_url)
    assert answer.status == 1
    assert "The database is newer than this code (it has 9999_from_tomorrow.sql)" in answer.err


# Answers.


def test_books_as_json(alexandria: Alexandria, filled: str) -> None:
    answer = alexandria("books", "2020-06", "--json", database_url=filled)
    assert answer.status == 0
    half, guests, absent = answer.json
    assert half == {
        "title": "THE VANISHING HALF", "author": "Brit Bennett", "sources": ["curated-list"], "outcome": "resolved",
        "isbn13": "9780525536291", "provider": "local-catalog", "confidence": half["confidence"], "work_key": half["work_key"],
        "synthetic": False, "reason": "", "work": None,
    }  # fmt: skip
    assert 65 <= half["confidence"] <= 100
    assert half["work_key"].startswith("synthetic:")
    assert (guests["title"], guests["author"]) == ("The Guest List: A Novel", "Foley, Lucy"), "as listed"
    assert absent == {
        "title": "A Book Nobody Ever Wrote", "author": "No Body", "sources": ["curated-list"], "outcome": "not_found",
        "isbn13": None, "provider": None, "confidence": None, "work_key": absent["work_key"], "synthetic": True,
        "reason": "unknown to local-catalog", "work": None,
    }  # fmt: skip


def test_books_of_an_unknown_month_are_none(alexandria: Alexandria, filled: str) -> None:
    assert alexandria("books", "1999-01", "--json", database_url=filled).json == []
    assert "1999-01: 0 books" in alexandria("books", "1999-01", database_url=filled).out


def test_books_for_people(alexandria: Alexandria, filled: str) -> None:
    answer = alexandria("books", "2020-06", database_url=filled)
    assert answer.status == 0
    assert "2020-06: 3 books" in answer.out
    for part in ("THE VANISHING HALF", "9780525536291", "not_found", "unknown to local-catalog"):
        assert part in answer.out


def test_status_as_json(alexandria: Alexandria, filled: str) -> None:
    answer = alexandria("status", "--json", database_url=filled).json
    assert list(answer) == ["months", "by_status", "totals", "set_aside", "unused_isbns"]
    june, july = answer["months"]
    moments = {"started_at": june["started_at"], "completed_at": june["completed_at"]}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", moment) for moment in moments.values())
    assert june == moments | {
        "month": "2020-06", "status": "completed", "books": 3, "resolved": 2, "deferred": 0, "skipped_rows": 0, "resolution_rate": 66.67, "works": 3,
        "synthetic": 1, "synthetic_share": 33.33, "retry_count": 0, "error": None, "owner": None, "owner_run": None,
        "checks": {"resolution_rate": False, "synthetic_share": False, "nothing_lost": True},
    }  # fmt: skip
    assert (july["month"], july["resolution_rate"], july["checks"]["resolution_rate"]) == ("2020-07", 100.0, True)
    assert answer["by_status"] == {"pending": 0, "processing": 0, "completed": 2, "retry": 0, "failed": 0}
    assert answer["totals"] == {
        "books": 5, "resolved": 4, "deferred": 0, "resolution_rate": 80.0, "works": 4, "synthetic": 1, "synthetic_share": 25.0,
    }  # fmt: skip
    only_july = alexandria("status", "2020-07", "--json", database_url=filled).json
    assert only_july["months"] == [july]
    assert (only_july["totals"]["books"], only_july["totals"]["resolved"]) == (2, 2)


def test_status_for_people(alexandria: Alexandria, filled: str, database_url: str) -> None:
    one = alexandria("status", "2020-06", database_url=filled)
    assert one.status == 0
    for part in ("2020-06", "completed", "2 (66.67 %)", "1 (33.33 %)", "✗ resolution rate", "✓ nothing lost", "Next:"):
        assert part in one.out
    everything = alexandria("status", database_url=filled)
    assert "months: 2 completed" in everything.out
    assert "works: 4, 1 of them synthetic (25.0 %)" in everything.out


def test_status_before_anything_was_done(alexandria: Alexandria, database_url: str) -> None:
    shown = alexandria("status", database_url=database_url).out.splitlines()
    assert shown[0] == "No month has been processed yet. Start one with: make run"
    assert shown[1].startswith("database: alexandria@127.0.0.1:")
    empty = alexandria("status", "--json", database_url=database_url)
    assert (empty.status, empty.json["months"], empty.json["totals"]["resolution_rate"]) == (0, [], None)


def test_resolve_as_json(alexandria: Alexandria, filled: str, database: Database) -> None:
    tables = ("resolution_attempt", "enriched_works", "enriched_editions", "generated_book", "backfill_log")
    before = dump(database, tables)
    found = alexandria(
        "resolve", "Hamnet", "--author", "O'Farrell, Maggie", "--year", "2020", "--json", database_url=filled
    )
    assert found.status == 0
    answer = found.json
    promised = ["title", "author", "outcome", "isbn13", "provider", "confidence", "evidence", "attempts"]
    assert [key for key in answer if key != "reason"] == promised, "`reason` is more than issue 2 promises"
    assert {key: answer[key] for key in promised[:5]} == {
        "title": "Hamnet", "author": "O'Farrell, Maggie", "outcome": "resolved", "isbn13": "9780525657606",
        "provider": "local-catalog",
    }  # fmt: skip
    assert 65 <= answer["confidence"] <= 100
    assert answer["evidence"]
    assert all(list(line) == ["name", "detail", "points"] for line in answer["evidence"])
    (attempt,) = answer["attempts"]
    assert (attempt["provider"], attempt["outcome"], attempt["isbn13"]) == ("local-catalog", "found", "9780525657606")
    assert attempt["evidence"] == answer["evidence"]
    assert dump(database, tables) == before, "resolve stores nothing"


def test_a_book_that_is_not_found_is_an_answer(alexandria: Alexandria, filled: str) -> None:
    words = ("resolve", "A Book Nobody Ever Wrote", "-a", "No Body")
    answer = alexandria(*words, "--json", database_url=filled)
    assert answer.status == 0
    assert {key: answer.json[key] for key in ("outcome", "isbn13", "provider", "confidence", "evidence")} == {
        "outcome": "not_found", "isbn13": None, "provider": None, "confidence": None, "evidence": [],
    }  # fmt: skip
    plain = alexandria(*words, database_url=filled)
    assert plain.status == 0
    assert plain.out.splitlines()[0] == "A Book Nobody Ever Wrote / No Body: not_found (unknown to local-catalog)"


@pytest.mark.parametrize(
    ("title", "author"),
    [
        ("مئة عام من العزلة", "غابرييل"),
        ("百年の孤独", ""),
        ("x" * 2000, "y"),
        ("50% off; drop table", "'\"\\%s"),
    ],
)
def test_any_title_gets_an_answer(alexandria: Alexandria, filled: str, title: str, author: str) -> None:
    answer = alexandria("resolve", title, "--author", author, "--json", database_url=filled)
    assert (answer.status, answer.err) == (0, "")
    assert (answer.json["title"], answer.json["outcome"]) == (title, "not_found")


@pytest.mark.parametrize("title", ["", " "])
def test_an_empty_title_is_wrong_use_and_asks_no_service(alexandria: Alexandria, title: str) -> None:
    answer = alexandria("resolve", title, "--author", "x")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "alexandria: the title is empty; give a title and its author\n"


def test_providers_as_json(alexandria: Alexandria, database_url: str) -> None:
    cells = alexandria("providers", "--json", database_url=database_url, curated_list="/no/such/list.tsv").json
    shape = ["capability", "provider", "kind", "offered", "available", "reason", "warning"]
    assert all(list(cell) == shape for cell in cells)
    by_name = {(cell["capability"], cell["provider"]): cell for cell in cells}
    assert len(by_name) == len(cells) == 14 * len({cell["provider"] for cell in cells}), (
        "every capability × every provider"
    )
    assert by_name["isbn-resolution", "local-catalog"]["available"] is True
    listed = by_name["book-generation", "curated-list"]
    assert (listed["available"], listed["kind"]) == (False, "local")
    assert listed["reason"] == "there is no file /no/such/list.tsv: set ALEXANDRIA_CURATED_LIST to a list of books"
    assert all(cell["available"] == (not cell["reason"]) for cell in cells)


def test_providers_for_people(alexandria: Alexandria, database_url: str) -> None:
    answer = alexandria("providers", database_url=database_url)
    assert answer.status == 0
    assert "book-generation" in answer.out
    assert "curated-list" in answer.out


# The catalogue.


def test_a_catalogue_is_loaded_once(
    alexandria: Alexandria, database_url: str, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "mine.tsv"
    file.write_text(CATALOGUE)
    first = alexandria("catalog", "load", str(file), database_url=database_url)
    assert (first.status, first.out) == (0, f"{file}: 4 editions, 4 of them new; 0 rows skipped.\n")
    before = dump(database, CATALOGUE_TABLES)
    again = alexandria("catalog", "load", str(file), database_url=database_url)
    assert (again.status, again.out) == (0, f"{file}: was loaded before; nothing to do.\n")
    assert dump(database, CATALOGUE_TABLES) == before

    file.write_text(CATALOGUE + "Emma\tJane Austen\t0-14-143958-0\t1815\ttest\t5\n")
    more = alexandria("catalog", "load", str(file), database_url=database_url)
    assert more.out == f"{file}: 5 editions, 1 of them new; 0 rows skipped.\n"
    assert len(rows(database, "select 1 from catalog_edition where isbn13 = '9780141439587'")) == 1, (
        "ISBN-10 becomes 13"
    )


def test_bad_rows_are_skipped_and_the_others_go_on(alexandria: Alexandria, database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "mixed.tsv"
    file.write_bytes(
        CATALOGUE.encode()
        + b"Wrong\tSomebody\t9780525657607\t2020\tt\t1\n"
        + b"Nul\0\tSomebody\t9780306406157\t2020\tt\t2\n"
        + b"Caf\xe9\tSomebody\t9780306406157\t2020\tt\t3\n"
        + b"x" * 2000
        + b"\tSomebody\t9780306406157\t2020\tt\t4\n"
        + b"Good\tSomebody\t9780306406157\t2020\tt\t5\n"
    )
    answer = alexandria("catalog", "load", str(file), database_url=database_url)
    assert answer.out == f"{file}: 5 editions, 5 of them new; 4 rows skipped (see: alexandria set-aside).\n"
    kept = alexandria("set-aside", "--json", database_url=database_url)
    assert kept.status == 0
    assert sorted((row["source"], row["position"]) for row in kept.json) == [
        ("mixed.tsv", line) for line in (6, 7, 8, 9)
    ]
    reasons = {row["position"]: row["reason"] for row in kept.json}
    assert "9780525657607" in reasons[6]
    assert "NUL" in reasons[7]
    assert "not UTF-8" in reasons[8]
    assert "2,000 characters" in reasons[9]
    assert "4 rows skipped" in alexandria("set-aside", database_url=database_url).out


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "is empty: its first line must name the columns title, author, isbn13"),
        (b"title\tauthor\nHamnet\tO'Farrell\n", "has no column isbn13"),
        (b"\xff\xfet\0i\0", "is saved as UTF-16"),
        (b"PK\x03\x04\0\0\0", "is not plain text"),
    ],
)
def test_an_unusable_file_is_1_and_states_why(
    alexandria: Alexandria, database_url: str, tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "bad.tsv").write_bytes(content)
    answer = alexandria("catalog", "load", "bad.tsv", database_url=database_url)
    assert answer.status == 1
    assert complaint in answer.err
    assert answer.err.count("\n") == 1


def test_a_folder_is_no_catalogue(alexandria: Alexandria, database_url: str, tmp_path: Path) -> None:
    answer = alexandria("catalog", "load", str(tmp_path), database_url=database_url)
    assert (answer.status, answer.err) == (1, f"alexandria: {tmp_path} cannot be read: Is a directory\n")


# The database.


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder with a space in its name, whose server is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="alexandria cli ") as folder:
        home = Path(folder)
        home.chmod(0o755)
        try:
            yield home
        finally:
            EmbeddedServer(home).stop()


def test_a_local_server_from_start_to_stop(home: Path) -> None:
    state = str(home)
    before = _process("db", "status", "--json", home=state)
    assert (before.status, before.json["running"], before.json["pid"]) == (0, False, None)
    assert _process("db", "stop", home=state).out == "No local server was running.\n"

    started = _process("db", "start", home=state)
    assert started.status == 0, started.err
    assert re.fullmatch(r"The database is at alexandria@127\.0\.0\.1:\d+/alexandria, in .*\.\n", started.out)
    status = _process("db", "status", "--json", home=state).json
    assert list(status) == ["server", "home", "running", "pid", "port"]
    assert (status["server"], status["running"]) == ("local", True)

    url = _process("db", "url", home=state).out.strip()
    assert f":{status['port']}/" in url
    with psycopg.connect(url) as connection:
        assert connection.execute("select count(*) from backfill_log").fetchone() == (0,)
    assert _process("db", "migrate", home=state).out == "The tables are up to date.\n"

    stopped = _process("db", "stop", home=state)
    assert (stopped.status, stopped.out) == (0, "The local server has been stopped.\n")
    assert _process("db", "status", home=state).out.splitlines()[2].split() == ["running", "False"]


def test_a_server_of_ones_own_is_used_and_nothing_is_started(
    alexandria: Alexandria, empty_database_url: str, tmp_path: Path
) -> None:
    url = empty_database_url
    assert alexandria("db", "url", database_url=url).out == f"{url}\n"
    applied = alexandria("db", "migrate", database_url=url)
    assert applied.status == 0
    assert re.fullmatch(r"Applied: 0001_\w+\.sql(, \d{4}_\w+\.sql)*\n", applied.out)
    assert alexandria("db", "migrate", database_url=url).out == "The tables are up to date.\n"
    started = alexandria("db", "start", database_url=url)
    assert started.out.endswith("(ALEXANDRIA_DATABASE_URL).\n")
    assert re.search(r":[^/@]+@", url[13:]), "the address has a password"
    assert url.split(":")[2].split("@")[0] not in started.out
    status = alexandria("db", "status", "--json", database_url=url)
    assert status.json == {"server": status.json["server"], "running": True}
    assert not (tmp_path / ".alexandria").exists()


def test_a_list_that_is_not_there_does_not_concern_a_command_that_reads_none(
    alexandria: Alexandria, database_url: str
) -> None:
    """A list that is wrong is the business of the month that needs it."""
    assert alexandria("status", database_url=database_url, curated_list="/no/such/list.tsv").status == 0


def test_backup_reset_and_restore(alexandria: Alexandria, filled: str, tmp_path: Path) -> None:
    before = alexandria("status", "--json", database_url=filled)
    file = str(tmp_path / "books.dump")
    assert alexandria("db", "backup", file, database_url=filled).status == 0
    refused = alexandria("db", "reset", database_url=filled)
    assert refused.status == 2
    assert "add --yes" in refused.err

    emptied = alexandria("db", "reset", "--yes", database_url=filled)
    assert emptied.status == 0
    assert "is kept as" in emptied.out
    assert alexandria("status", "--json", database_url=filled).json["months"] == []
    restored = alexandria("db", "restore", file, "--yes", database_url=filled)
    assert restored.status == 0, restored.err
    assert alexandria("status", "--json", database_url=filled).out == before.out


# Hostile text.

HOSTILE = "\x1b[31mred\x1b]8;;https://evil.example\x07 \x9b2J \u202eevil\u2066 [/bold] [link=https://evil.example]x[/link] <!channel>"
SHOWN_COLUMNS = ("title", "author", "subtitle", "publisher", "name", "excerpt", "error", "says", "evidence", "detail")


@pytest.fixture
def hostile(filled: str) -> str:
    """The address of a database whose titles, authors, publishers and messages have escape codes, direction marks and mark-up."""
    with psycopg.connect(filled, autocommit=True) as connection:
        found = connection.execute(
            "select table_name, column_name from information_schema.columns join information_schema.tables"
            " using (table_schema, table_name) where table_schema = 'public' and table_type = 'BASE TABLE'"
            " and data_type = 'text' and column_name = any(%s)",
            [list(SHOWN_COLUMNS)],
        ).fetchall()
        changed = set()
        for table, column in found:
            statement = sql.SQL("update {table} set {column} = {column} || %s where {column} is not null").format(
                table=sql.Identifier(table), column=sql.Identifier(column)
            )
            if connection.execute(statement, [HOSTILE]).rowcount:
                changed.add((table, column))
    assert {("enriched_works", "title"), ("generated_book", "title"), ("enriched_works", "author")} <= changed
    return filled


def _commands(database: Database) -> Iterator[tuple[str, ...]]:
    work = rows(database, "select work_key as key from enriched_works order by 1 limit 1")[0]["key"]
    yield from (("status",), ("status", "2020-06"), ("books", "2020-06"), ("explain", "2020-06"), ("set-aside",))
    yield from (("show", work), ("show", "9780525536291"), ("works", "show", work))
    yield from (("review", "list"), ("report",), ("quota",), ("providers",), ("catalog", "status"), ("db", "status"))
    yield from (("resolve", f"Hamnet {HOSTILE}", "--author", HOSTILE), ("rollout", "status"), ("doctor", "--offline"))


def test_hostile_titles_reach_no_terminal(alexandria: Alexandria, hostile: str, database: Database) -> None:
    shown = ""
    for words in _commands(database):
        for form in ((), ("--json",)) if words[0] not in ("report", "db") else ((),):
            answer = alexandria(*words, *form, database_url=hostile)
            assert "Traceback" not in answer.err, words
            assert answer.status in (0, 1), (words, answer.err)
            printed = answer.out + answer.err
            assert not set(printed) & set("\x1b\x07\x9b\u202e\u2066"), words
            shown += printed
            if form:
                assert answer.json is not None
    assert "[/bold]" in shown
    assert "[link=https://evil.example]" in shown


def test_every_command_prints_through_one_module() -> None:
    sources = Path(alexandria_pipeline.cli.__file__).parent.glob("*.py")
    printing = {
        source.name for source in sources if re.search(r"\b(?:typer|click)\.echo\(|^\s*print\(", source.read_text())
    }
    assert printing == {"output.py"}


def test_the_help_of_the_list_of_commands_is_that_of_the_commands() -> None:
    for name, (_, text) in COMMANDS.items():
        assert load(name).help.partition("\n")[0] == text, name  # type: ignore[union-attr]


def test_the_list_of_commands_loads_no_service_and_no_driver() -> None:
    look = "import sys; from alexandria_pipeline.cli.app import main; sys.argv = ['alexandria', '--help']\n"
    look += "try: main()\nexcept SystemExit: pass\n"
    look += "heavy = {'psycopg', 'pandas', 'httpx', 'dagster', 'pydantic'} & set(sys.modules)\nassert not heavy, heavy"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout for name in COMMANDS)
