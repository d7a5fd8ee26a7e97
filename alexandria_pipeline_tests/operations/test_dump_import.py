"""The import of dumps: what is kept, what is rejected, and what happens to an import that is stopped."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson
import pytest

from alexandria_pipeline.domain.errors import DatabaseUnavailable, SourceError, StorageError
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.records import BookQuery, ContributorRole, EditionFormat, PartialDate
from alexandria_pipeline.operations.catalog_lookup import CatalogAnswer, look_up
from alexandria_pipeline.operations.dump_import.disk import after_failure, check_space
from alexandria_pipeline.operations.dump_import.importer import ImportResult, import_dump
from alexandria_pipeline.operations.dump_import.options import EVERYTHING, ImportOptions
from alexandria_pipeline.operations.dump_import.reader import DumpFile
from alexandria_pipeline.storage import skipped_rows
from alexandria_pipeline.storage.catalog import Catalog
from alexandria_pipeline.storage.catalog_import import CatalogImport, StoredBlock
from alexandria_pipeline.storage.catalog_lookup import catalog_reader
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline_tests import dumps

pytestmark = pytest.mark.slow("imports dumps with a process for each core")

MODIFIED = "2024-05-01T10:11:12.131415"
ISBN, OTHER = Isbn13.parse("978-1-4028-9462-6"), Isbn13.parse("978-0-306-40615-7")


def line(kind: str, key: str, revision: int = 1, **fields: Any) -> bytes:
    body = orjson.dumps({"key": key, "type": {"key": f"/type/{kind}"}, **fields})
    return b"\t".join((f"/type/{kind}".encode(), key.encode(), str(revision).encode(), MODIFIED.encode(), body))


def edition(number: int = 1, revision: int = 1, **fields: Any) -> bytes:
    return line(
        "edition", f"/books/OL{number}M", revision, **{"title": "The Glass Orchard", "isbn_13": [ISBN], **fields}
    )


def run(
    database: Database,
    folder: Path,
    lines: Iterable[bytes],
    options: ImportOptions = EVERYTHING,
    **other: Iterable[bytes],
) -> ImportResult:
    files = []
    for role, content in {**other, "editions": lines}.items():
        path = folder / f"{role}.txt"
        path.write_bytes(b"\n".join(content) + b"\n")
        files.append(DumpFile(role, str(path)))
    return import_dump(database, files, options, processes=1)


def asked(database: Database, *questions: tuple[str, str]) -> list[CatalogAnswer]:
    with catalog_reader(database) as reader:
        return look_up(reader, [BookQuery(*each) for each in questions])


def test_an_edition_keeps_what_its_record_has(database: Database, tmp_path: Path) -> None:
    full = edition(
        7, subtitle="a novel", authors=[{"key": "/authors/OL3A"}], works=[{"key": "/works/OL5W"}], publishers=["Quill\\Press"],
        publish_date="March 5, 1988", languages=[{"key": "/languages/eng"}], physical_format="Paperback", number_of_pages=321,
        series=["Orchards"], subjects=["Trees", "Glass"], covers=[-1, 77], contributors=[{"role": "Translator", "name": "Ana Lima"}],
        identifiers={"goodreads": ["12"]}, oclc_numbers=["99"],
    )  # fmt: skip
    work = line("work", "/works/OL5W", title="The Glass Orchard", first_publish_date="1971", subjects=["Fiction"])
    run(database, tmp_path, [full], works=[work], authors=[line("author", "/authors/OL3A", name="Mira Okonedo")])
    found = Catalog(database).edition(ISBN)
    assert found is not None
    assert (found.title, found.subtitle, found.author, found.publisher) == (
        "The Glass Orchard",
        "a novel",
        "Mira Okonedo",
        "Quill\\Press",
    )
    assert (found.published, found.language, found.format, found.pages) == (
        PartialDate(1988, 3, 5),
        "en",
        EditionFormat.PAPERBACK,
        321,
    )
    assert (found.series, found.subjects, found.covers) == (("Orchards",), ("Trees", "Glass"), (77,))
    assert [(one.name, one.role) for one in found.contributors] == [
        ("Mira Okonedo", ContributorRole.AUTHOR), ("Ana Lima", ContributorRole.TRANSLATOR),
    ]  # fmt: skip
    assert found.identifiers == (("oclc", "99"), ("goodreads", "12"))
    assert (found.work, found.first_year, found.source_id) == ("OL5W", 1971, "OL7M")
    assert Catalog(database).works(["OL5W"])["OL5W"].title == "The Glass Orchard"
    assert [each.isbn13 for each in Catalog(database).editions_of_work("OL5W")] == [ISBN]


def test_editions_alone_are_enough(database: Database, tmp_path: Path) -> None:
    run(
        database,
        tmp_path,
        [edition(by_statement="by Mira Okonedo ; edited by A. Lima", works=[{"key": "/works/OL5W"}])],
    )
    (answer,) = asked(database, ("The Glass Orchard", "Mira Okonedo"))
    assert (answer.isbn13, answer.work) == (ISBN, "OL5W")


def test_a_misspelt_title_is_found_and_another_author_is_not(database: Database, tmp_path: Path) -> None:
    run(database, tmp_path, [edition(by_statement="Mira Okonedo")])
    answers = asked(
        database,
        ("The Glass Orchrad", "Mira Okonedo"),
        ("The Glass Orchard", "Paul Ferrier"),
        ("The Glass Orchard", "Mira Okonedo"),
    )
    assert [answer.isbn13 for answer in answers] == [ISBN, None, ISBN]


def test_bad_lines_are_rejected_with_line_and_reason(database: Database, tmp_path: Path) -> None:
    lines = [
        edition(),
        b"/type/edition\t/books/OL2M\t1",
        edition(3)[:-9],
        edition(4, title=""),
        b"\xff\xfe",
        edition(5).replace(b"OL5M", b"X5M", 1),
    ]
    result = run(database, tmp_path, lines)
    assert (result.editions, result.counts["rejected"]) == (1, 5)
    with database.transaction() as tx:
        rows = skipped_rows.all_rows(tx)
    assert sorted(row["position"] for row in rows) == [2, 3, 4, 5, 6]
    assert {row["source"] for row in rows} == {"editions.txt"}
    assert any("3 columns where a dump has 5" in row["reason"] for row in rows)


def test_the_newest_revision_wins_and_deletions_count(database: Database, tmp_path: Path) -> None:
    deleted = line("delete", "/books/OL2M", 9)
    moved = line("redirect", "/books/OL3M", 9, location="/books/OL1M")
    lines = [
        edition(1, 5, title="New Title"),
        edition(1, 2, title="Old Title"),
        edition(2, isbn_13=[OTHER]),
        deleted,
        edition(3),
        moved,
    ]
    assert run(database, tmp_path, lines).editions == 1
    found = Catalog(database).edition(ISBN)
    assert found is not None
    assert found.title == "New Title"
    assert Catalog(database).edition(OTHER) is None


def test_a_record_that_occurs_twice_is_kept_once(database: Database, tmp_path: Path) -> None:
    both = edition(1, 4, isbn_13=[ISBN, OTHER])
    assert run(database, tmp_path, [both, both, edition(1, 3, title="Old Title")]).editions == 2
    found = Catalog(database).editions_by_isbn([ISBN, OTHER])
    assert [found[isbn].title for isbn in (ISBN, OTHER)] == ["The Glass Orchard"] * 2


def test_redirects_of_works_and_authors_are_followed(database: Database, tmp_path: Path) -> None:
    works = [
        line("redirect", "/works/OL1W", location="/works/OL2W"),
        line("redirect", "/works/OL2W", location="/works/OL3W"),
        line("work", "/works/OL3W", title="W"),
    ]
    authors = [
        line("redirect", "/authors/OL1A", location="/authors/OL2A"),
        line("author", "/authors/OL2A", name="Mira Okonedo"),
    ]
    run(
        database,
        tmp_path,
        [edition(works=[{"key": "/works/OL1W"}], authors=[{"key": "/authors/OL1A"}])],
        works=works,
        authors=authors,
    )
    found = Catalog(database).edition(ISBN)
    assert found is not None
    assert (found.work, found.author) == ("OL3W", "Mira Okonedo")


def test_names_that_are_known_before_the_editions_and_after_them_give_the_same_catalogue(
    database: Database, tmp_path: Path
) -> None:
    dump = dumps.make(tmp_path, 300, damage=0.02, packed=False)
    odd = [
        edition(9001, isbn_13=["9780306406157"], works=[{"key": "/works/OL3W"}]),
        edition(9002, isbn_13=["9781402894626"], authors=[{"key": "/authors/OL1A"}, {"key": "/authors/OL2A"}]),
        edition(9003, isbn_13=["9781861972712"], authors=[{"key": "/authors/OL900A"}]),
        edition(9004, isbn_13=["9780140449112"], authors=[{"key": "/authors/OL901A"}], contributors=[{"name": "A B"}]),
    ]
    people = [
        line("redirect", "/authors/OL901A", location="/authors/OL902A"),
        line("author", "/authors/OL902A", name="Back\\slash\b"),
    ]
    lines = {role: getattr(dump, role).read_bytes().splitlines() for role in ("authors", "works", "editions")}
    run(database, tmp_path, lines["editions"] + odd, authors=lines["authors"] + people, works=lines["works"])
    separate = content(database)
    run(database, tmp_path, lines["editions"] + odd + lines["works"] + lines["authors"] + people)
    assert content(database) == separate
    assert any("Back\\slash" in (row["contributors"] or "") for row in separate)


def content(database: Database) -> list[dict[str, Any]]:
    with database.transaction() as tx:
        rows = tx.execute("select * from catalog_dump_edition order by isbn13, edition_id").fetchall()
        return rows + tx.execute("select * from catalog_dump_work order by work_id").fetchall()


def test_circles_of_redirects_end(database: Database, tmp_path: Path) -> None:
    works = [
        line("redirect", "/works/OL1W", location="/works/OL2W"),
        line("redirect", "/works/OL2W", location="/works/OL1W"),
    ]
    assert run(database, tmp_path, [edition(works=[{"key": "/works/OL1W"}])], works=works).editions == 1


def test_left_out_editions_are_counted_by_reason(database: Database, tmp_path: Path) -> None:
    lines = [
        edition(1, languages=[{"key": "/languages/eng"}], publish_date="1995"),
        edition(2, languages=[{"key": "/languages/fre"}], publish_date="1995"),
        edition(3, publish_date="1995"),
        edition(4, languages=[{"key": "/languages/eng"}], publish_date="1970"),
        edition(5, isbn_13=[]),
    ]
    result = run(database, tmp_path, lines, ImportOptions(frozenset({"en"}), 1990))
    assert result.editions == 1
    assert result.counts["editions in another language"] == result.counts["editions without a language"] == 1
    assert result.counts["editions before the first year"] == result.counts["editions without an ISBN"] == 1


def test_a_truncated_file_changes_nothing_and_its_whole_copy_resumes(database: Database, tmp_path: Path) -> None:
    run(database, tmp_path, [edition()])
    dump = dumps.make(tmp_path / "dump", 6_000, damage=0)
    whole = dump.editions.read_bytes()
    dump.editions.write_bytes(whole[: len(whole) * 3 // 4])
    files = [DumpFile("editions", str(dump.editions))]
    with pytest.raises(SourceError, match="truncated"):
        import_dump(database, files, processes=1)
    assert Catalog(database).edition(ISBN) is not None
    assert Catalog(database).editions() == 1
    dump.editions.write_bytes(whole)
    result = import_dump(database, files, processes=1)
    assert (result.resumed, result.editions) == (True, 6_000)


@pytest.mark.parametrize("damage", [b"\xff" * 2_000, b"\0" * 2_000])
def test_a_damaged_file_is_named(database: Database, tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "editions.gz"
    packed = gzip.compress(b"\n".join(edition(number) for number in range(2_000)))
    path.write_bytes(packed[:3_000] + damage + packed[3_000 + len(damage) :])
    with pytest.raises(SourceError, match=r"editions\.gz is damaged"):
        import_dump(database, [DumpFile("editions", str(path))], processes=1)


def test_another_file_starts_afresh(database: Database, tmp_path: Path) -> None:
    first, second = (
        dumps.make(tmp_path / "a", 5_000, seed=1, damage=0),
        dumps.make(tmp_path / "b", 5_000, seed=2, damage=0),
    )
    cut = gzip.compress(gzip.decompress(first.editions.read_bytes()))
    first.editions.write_bytes(cut[:-20])
    with pytest.raises(SourceError):
        import_dump(database, [DumpFile("editions", str(first.editions))], processes=1)
    result = import_dump(database, [DumpFile("editions", str(second.editions))], processes=1)
    assert (result.resumed, result.editions, result.counts["lines"]) == (False, 5_000, 5_000)


def test_a_file_that_is_no_dump_is_refused(database: Database, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no dump"):
        run(database, tmp_path, [b"title,author"] * 200)


def test_two_imports_at_once_are_refused(database: Database, tmp_path: Path) -> None:
    with CatalogImport(database).locked(), pytest.raises(StorageError, match="Another import"):
        run(database, tmp_path, [edition()])


def unfinished(database: Database, folder: Path) -> DumpFile:
    """The whole file of an import that stopped with a block stored; before it, a catalogue with one edition was there."""
    run(database, folder, [edition()])
    dump = dumps.make(folder / "dump", 4_000, damage=0)
    whole = dump.editions.read_bytes()
    dump.editions.write_bytes(whole[:-20])
    with pytest.raises(SourceError, match="truncated"):
        import_dump(database, [DumpFile("editions", str(dump.editions))], processes=1)
    dump.editions.write_bytes(whole)
    return DumpFile("editions", str(dump.editions))


def test_a_build_that_was_cut_off_is_repeated(database: Database, tmp_path: Path) -> None:
    file = unfinished(database, tmp_path)
    with database.transaction() as tx:
        tx.execute("create table catalog_dump_work_new (like catalog_dump_work)")
        tx.execute("create index catalog_dump_edition_isbn_new on catalog_dump_edition_new (isbn13)")
        tx.execute("create index catalog_dump_edition_tail_new on catalog_dump_edition_new (tail_block)")
    result = import_dump(database, [file], processes=2)
    assert (result.resumed, result.editions) == (True, 4_000)


def test_an_import_stops_before_the_disk_is_full(database: Database, tmp_path: Path) -> None:
    unfinished(database, tmp_path)
    staging = CatalogImport(database)
    with pytest.raises(StorageError, match="No space left") as raised:
        check_space(staging, 2**60)
    assert "catalogue is unchanged" in str(after_failure(staging, raised.value))
    assert staged(database) == []
    assert Catalog(database).editions() == 1


def test_an_import_whose_server_crashed_states_it_and_gives_its_space_back(database: Database, tmp_path: Path) -> None:
    file = unfinished(database, tmp_path)
    with database.transaction() as tx:  # as a crash does
        tx.execute("truncate catalog_import_state, catalog_import_block, catalog_import_edition")
    staging, error = CatalogImport(database), DatabaseUnavailable("gone")
    assert "server stopped during the import" in str(after_failure(staging, error))
    assert staged(database) == []
    assert after_failure(staging, error) is error
    assert import_dump(database, [file], processes=1).editions == 4_000


def test_a_build_of_staging_tables_that_a_crash_emptied_is_refused(database: Database, tmp_path: Path) -> None:
    unfinished(database, tmp_path)
    staging = CatalogImport(database)
    staging.resume_or_start("another choice")
    block = StoredBlock(1, 1)
    staging.store("editions", 1, block, {}, [], {})
    with database.transaction() as tx:
        tx.execute("truncate catalog_import_state, catalog_import_block, catalog_import_edition")
    with pytest.raises(StorageError, match="gone"):
        staging.store("editions", 2, block, {}, [], {})
    with pytest.raises(StorageError, match="gone"):
        staging.finish("open-library", [])
    assert Catalog(database).editions() == 1


def staged(database: Database) -> list[str]:
    with database.transaction() as tx:
        rows = tx.execute(
            "select relname from pg_class where relkind = 'r' and (relname like 'catalog_import%' or relname like 'catalog_dump%new')"
        ).fetchall()
    return [row["relname"] for row in rows]


def test_questions_are_answered_while_a_catalogue_is_replaced(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "editions.txt"
    path.write_bytes(b"\n".join(edition(number, by_statement="Mira Okonedo") for number in range(1, 500)))
    files = [DumpFile("editions", str(path))]
    import_dump(database, files, processes=1)
    answered: list[Isbn13 | None] = []
    ended = threading.Event()

    def ask() -> None:
        with Database(database_url) as own, catalog_reader(own) as reader:
            while not ended.is_set() or not answered:
                answered.extend(
                    each.isbn13 for each in look_up(reader, [BookQuery("The Glass Orchard", "Mira Okonedo")])
                )

    with ThreadPoolExecutor(1) as thread:
        asking = thread.submit(ask)
        try:
            for _ in range(3):
                import_dump(database, files, processes=1)
        finally:
            ended.set()
        asking.result()
    assert set(answered) == {ISBN}


def test_a_killed_import_resumes(database: Database, database_url: str, tmp_path: Path) -> None:
    """kill -9 of the importer after its first block: its workers end, nothing is swapped, and the next import resumes."""
    dump = dumps.make(tmp_path / "dump", 15_000, damage=0, packed=False)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    environment = {**os.environ, "ALEXANDRIA_DATABASE_URL": database_url}
    command = [sys.executable, "-m", "alexandria_pipeline.cli.app", "catalog", "import", "--editions", str(pipe)]
    with (
        subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as process,
        pipe.open("wb") as writer,
    ):
        writer.write(dump.editions.read_bytes()[: 9 * 2**20])
        writer.flush()
        staging = CatalogImport(database)
        while not _stored(staging):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert Catalog(database).editions() == 0
    while True:
        try:
            result = import_dump(database, [DumpFile("editions", str(dump.editions))], processes=1)
        except StorageError:  # the server has not noticed the death yet
            time.sleep(0.1)
        else:
            break
    assert (result.resumed, result.editions) == (True, 15_000)


def _stored(staging: CatalogImport) -> bool:
    try:
        return bool(staging.blocks("editions"))
    except StorageError:  # the staging tables are not there yet
        return False


def test_a_dropped_dump_is_gone_and_changes_the_revision(database: Database, tmp_path: Path) -> None:
    run(database, tmp_path, [edition()])
    catalog = Catalog(database)
    before = catalog.revision()
    assert catalog.drop("open-library")
    assert (catalog.edition(ISBN), catalog.sources()) == (None, [])
    assert catalog.revision() != before
    assert not catalog.drop("open-library")
