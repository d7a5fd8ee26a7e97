"""`alexandria catalog lookup`: questions in batches, by one process or several, to dumps and loaded files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from alexandria_pipeline.cli.catalog_questions import question_batches
from alexandria_pipeline.domain.errors import InvalidValue, SourceError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import BookQuery
from alexandria_pipeline.operations.catalog import load_catalog
from alexandria_pipeline.operations.catalog_lookup import CatalogAnswer, answers
from alexandria_pipeline.operations.dump_import.importer import import_dump
from alexandria_pipeline.operations.dump_import.reader import DumpFile
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests import dumps

ISBN = Isbn13.parse("9781402894626")
FILE = b"title\tauthor\tisbn13\tdate\twork\tlanguage\nThe Glass Orchard\tMira Okonedo\t9781402894626\t1988-03\tW1\ten\n"


def asked(database: Database, *questions: BookQuery) -> list[CatalogAnswer]:
    return [answer for batch in answers(database, [questions]) for answer in batch]


def imported(database: Database, folder: Path, total: int) -> Sequence[BookQuery]:
    """A dump in the catalogue, and a question for each of its English editions."""
    dump = dumps.make(folder, total, damage=0, packed=False)
    files = [DumpFile(role, str(getattr(dump, role))) for role in ("authors", "works", "editions")]
    import_dump(database, files, processes=1)
    works = [f"OL{number}W" for number in range(1, total // 2)]
    found = [each for work in works for each in Catalog(database).editions_of_work(work)[:1]]
    return [BookQuery(each.title, each.author) for each in found if each.language == "en" and each.author]


def test_editions_of_loaded_files_are_found(database: Database) -> None:
    load_catalog(database, "list.tsv", FILE)
    found = asked(
        database,
        BookQuery("The Glass Orchard", "Mira Okonedo", 1988),
        BookQuery("The Glass Orchrad", "Okonedo, Mira"),
        BookQuery("The Glass Orchard", "Paul Ferrier"),
    )
    assert [(each.isbn13, each.work) for each in found] == [(ISBN, "W1"), (ISBN, "W1"), (None, None)]


def test_of_many_editions_the_one_in_print_in_the_asked_language_is_chosen(database: Database, tmp_path: Path) -> None:
    editions = [
        ("9780306406157", "eng", "Audio CD", "1990"),
        ("9783791535661", "ger", "Paperback", "1988"),
        ("9781402894626", "eng", "Paperback", "1988"),
        ("9780141439600", "eng", "Paperback", "2003"),
        ("9780141182803", "eng", "E-book", "1988"),
    ]
    path = tmp_path / "editions.txt"
    path.write_bytes(b"".join(
        dumps.line("edition", f"/books/OL{number}M", 1, {
            "title": "The Glass Orchard", "by_statement": "Mira Okonedo", "isbn_13": [isbn], "physical_format": form,
            "languages": [{"key": f"/languages/{language}"}], "publish_date": year,
        })
        for number, (isbn, language, form, year) in enumerate(editions, 1)
    ))  # fmt: skip
    import_dump(database, [DumpFile("editions", str(path))], processes=1)
    found = asked(
        database,
        BookQuery("The Glass Orchard", "Mira Okonedo", 1988),
        BookQuery("The Glass Orchard", "Mira Okonedo", 2003),
        BookQuery("The Glass Orchard", "Mira Okonedo", 1988, "de"),
    )
    assert [each.isbn13 for each in found] == ["9781402894626", "9780141439600", "9783791535661"]


def test_an_empty_catalogue_answers_nothing(database: Database) -> None:
    assert asked(database, BookQuery("The Glass Orchard", "Mira Okonedo")) == [CatalogAnswer(None, 0, None)]


@pytest.mark.slow("starts two processes")
def test_several_processes_give_the_same_answers_in_order(database: Database, tmp_path: Path) -> None:
    questions = imported(database, tmp_path, 400)
    load_catalog(database, "list.tsv", FILE)
    batches = [questions[at : at + 20] for at in range(0, len(questions), 20)]
    alone = list(answers(database, batches))
    assert sum(answer.isbn13 is not None for batch in alone for answer in batch) > len(questions) * 0.9
    assert list(answers(database, batches, processes=2)) == alone


def test_a_question_is_answered_before_the_next_one_is_asked(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    load_catalog(database, "list.tsv", FILE)
    command = [sys.executable, "-m", "alexandria_pipeline.cli.app", "catalog", "lookup", "-", "--json"]
    environment = {**os.environ, "ALEXANDRIA_DATABASE_URL": database_url}
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for title, isbn in (("The Glass Orchard", ISBN), ("Another Book", None), ("The Glass Orchard", ISBN)):
            process.stdin.write(json.dumps({"title": title, "author": "Mira Okonedo"}) + "\n")
            assert json.loads(process.stdout.readline())["isbn13"] == isbn
        process.stdin.close()
        assert process.wait() == 0


def test_questions_are_read_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "asked.jsonl"
    path.write_text('{"title": "A", "author": "B", "year": 1990}\n\n{"title": "C"}')
    assert [each for batch in question_batches(str(path), "en") for each in batch] == [
        BookQuery("A", "B", 1990, "en"),
        BookQuery("C", "", None, "en"),
    ]


@pytest.mark.parametrize("line", ["[1]", "{", '{"author": "B"}', '{"title": 1}', '{"title": "A", "year": "1990"}'])
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "asked.jsonl"
    path.write_text('{"title": "A"}\n' + line)
    with pytest.raises(InvalidValue, match="line 2"):
        list(question_batches(str(path), "en"))


def test_a_missing_file_of_questions_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        list(question_batches(str(tmp_path / "none.jsonl"), "en"))
