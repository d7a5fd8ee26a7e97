"""The local catalogue in a database of its own: everything that fills, shows or asks it uses that database, and nothing else does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from alexandria_pipeline.cli.app import main
from alexandria_pipeline.orchestration.assets.catalogue import local_catalog
from alexandria_pipeline.orchestration.resources import build_resources
from alexandria_pipeline.settings import load_settings
from alexandria_pipeline.storage import skipped_rows
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests import dumps

pytestmark = pytest.mark.slow("each test makes a second database")

FILE = "title\tauthor\tisbn13\nThe Glass Orchard\tMira Okonedo\t9781402894626\nNo Number\tMira Okonedo\t12\n"
Alexandria = Callable[..., str]


@pytest.fixture
def alexandria(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str,
    empty_database_url: str,
) -> Alexandria:  # fmt: skip
    """Types a command with two databases: that of the months, and a new one for the catalogue."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALEXANDRIA_DATABASE_URL", database_url)
    monkeypatch.setenv("ALEXANDRIA_HOME", str(tmp_path / "home"))
    address = tmp_path / "address"
    address.write_text(empty_database_url + "\n", encoding="utf-8")
    monkeypatch.setenv("ALEXANDRIA_CATALOG_URL_FILE", str(address))

    def type_in(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["alexandria", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        shown = capsys.readouterr()
        assert not end.value.code, shown.err
        return shown.out

    return type_in


@pytest.fixture
def own(empty_database_url: str, alexandria: Alexandria, tmp_path: Path) -> Database:
    """The catalogue's database, filled with a file; it was new before."""
    file = tmp_path / "shop.tsv"
    file.write_text(FILE, encoding="utf-8")
    assert "1 edition, 1 of them new; 1 row skipped" in alexandria("catalog", "load", str(file))
    return Database(empty_database_url)


def test_commands_fill_and_ask_it(own: Database, database: Database, alexandria: Alexandria, tmp_path: Path) -> None:
    edition = {"title": "The Salt Road", "by_statement": "Mira Okonedo", "isbn_13": ["9780141439600"]}
    dump = tmp_path / "editions.txt"
    dump.write_bytes(dumps.line("edition", "/books/OL1M", 1, edition))
    alexandria("catalog", "import", "--editions", str(dump), "--json")
    questions = tmp_path / "questions.jsonl"
    titles = ("The Salt Road", "The Glass Orchard", "Not There")
    questions.write_text("".join(json.dumps({"title": each, "author": "Mira Okonedo"}) + "\n" for each in titles))
    found = [
        json.loads(line)["isbn13"]
        for line in alexandria("catalog", "lookup", str(questions), "--json").split("\n")
        if line
    ]
    assert found == ["9780141439600", "9781402894626", None]
    named = [row["name"] for row in json.loads(alexandria("catalog", "status", "--json"))["sources"]]
    assert named == ["shop.tsv", "open-library"]
    assert [row["source"] for row in json.loads(alexandria("set-aside", "--json"))] == ["shop.tsv"]
    (attempt,) = json.loads(alexandria("resolve", "The Salt Road", "--author", "Mira Okonedo", "--json"))["attempts"]
    assert (attempt["provider"], attempt["isbn13"]) == ("local-catalog", "9780141439600")
    alexandria("catalog", "drop", "open-library")
    with own, database.transaction() as tx:
        assert Catalog(own).editions() == 1
        assert Catalog(database).empty()
        assert skipped_rows.all_rows(tx) == []


def test_it_is_checked_and_migrated(own: Database, alexandria: Alexandria) -> None:
    assert alexandria("db", "migrate") == "The tables are up to date.\n"
    assert json.loads(alexandria("db", "status", "--json"))["catalog"] == {"server": own.address, "running": True}
    findings = {each["check"]: each for each in json.loads(alexandria("doctor", "--offline", "--json"))["findings"]}
    assert own.address in findings["catalogue database version"]["detail"]
    assert findings["catalogue database rights"]["state"] == "ok"


def test_the_asset_shows_it(own: Database, alexandria: Alexandria, database_url: str, tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home", database_url=SecretStr(database_url))
    assert settings.catalog_address is not None
    resources = {
        name: each for name, each in build_resources(settings).items() if name in ("catalog", "operations", "dumps")
    }
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([local_catalog], instance=instance, resources=resources)
    (shown,) = result.asset_materializations_for_node("local_catalog")
    assert shown.metadata["dagster/row_count"].value == 1


def test_answers_of_another_catalogue_do_not_count(own: Database, database: Database, alexandria: Alexandria) -> None:
    """Both databases have one load; a book that the first catalogue lacked is looked up in the second one."""
    main, apart = Catalog(database), Catalog(own, "host:5432/editions")
    main.load("shop.tsv", "the same number of loads", [], 0)
    assert main.revision() != apart.revision()
