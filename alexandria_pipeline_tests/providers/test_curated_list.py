"""The curated list as a book generator: months, digests, self-contained replies, and skipped rows."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from alexandria_pipeline.domain.errors import ListFormatError, SourceError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, ParsedReply, RawReply
from alexandria_pipeline.providers.base import BookGenerator, Capability, ProviderKind
from alexandria_pipeline.providers.curated_list.client import CuratedList

if TYPE_CHECKING:
    from pathlib import Path

JUNE = GenerationRequest(Month(2020, 6), limit=1, prompt_variant="baseline")
JULY = GenerationRequest(Month(2020, 7), limit=20, prompt_variant="baseline")
HEADER = "month\ttitle\tauthor\tisbn13\tsource"
LINES = (
    HEADER,
    "2020-06\tA BURNING\tMegha Majumdar\t9780525658696\tpost45-nyt",
    "2020-07\tDEVOLUTION\tMax Brooks\t\tpost45-nyt",
    "2020-06\tTHE GUEST LIST\tLucy Foley\t\tpost45-nyt",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "books.tsv"
    write(file, *LINES)
    return file


def write(file: Path, *lines: str | bytes) -> None:
    file.write_bytes(b"\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\n")


def generate(file: Path, request: GenerationRequest = JUNE) -> RawReply:
    return asyncio.run(CuratedList(file).generate(request))


def listed(file: Path, request: GenerationRequest = JUNE) -> ParsedReply:
    return CuratedList(file).parse(generate(file, request), request)


def test_the_provider_is_a_local_book_generator(path: Path) -> None:
    generator = CuratedList(path)
    assert isinstance(generator, BookGenerator)
    assert (generator.declaration.name, generator.declaration.kind) == ("curated-list", ProviderKind.LOCAL)
    assert generator.declaration.capabilities == {Capability.BOOK_GENERATION}
    assert generator.unavailable() is None


def test_a_month_has_all_its_books_regardless_of_the_limit(path: Path) -> None:
    parsed = listed(path)
    assert [(book.position, book.title, book.author, book.isbns) for book in parsed.listings] == [
        (2, "A BURNING", "Megha Majumdar", ("9780525658696",)),
        (4, "THE GUEST LIST", "Lucy Foley", ()),
    ]
    assert parsed.skipped == ()
    assert {book.provider for book in parsed.listings} == {"curated-list"}


def test_a_month_without_rows_has_an_empty_reply(path: Path) -> None:
    december = dataclasses.replace(JUNE, month=Month(2020, 12))
    reply = generate(path, december)
    assert CuratedList(path).parse(reply, december) == ParsedReply(())
    assert reply.model == CuratedList(path).model(december)


def test_a_reply_is_parsed_without_the_file(path: Path) -> None:
    reply = generate(path)
    path.unlink()
    assert (reply.provider, reply.source) == ("curated-list", "books.tsv")
    assert not reply.cost_usd
    assert '"source":"post45-nyt"' in reply.body
    assert len(CuratedList(path).parse(reply, JUNE).listings) == 2


@pytest.mark.parametrize("body", ["", "null", '{"a": 1}', '[{"line": "x"}]'])
def test_a_reply_of_another_shape_is_a_source_error(path: Path, body: str) -> None:
    with pytest.raises(SourceError, match="2020-06 is not a list of rows"):
        CuratedList(path).parse(RawReply("curated-list", "sha256:0", body), JUNE)


class TestModel:
    def test_the_model_is_that_of_the_reply(self, path: Path) -> None:
        model = CuratedList(path).model(JUNE)
        assert model == generate(path).model
        assert model.startswith("sha256:")
        assert len(model) == len("sha256:") + 16

    def test_other_months_lines_and_columns_do_not_change_the_model(self, path: Path) -> None:
        june, july = CuratedList(path).model(JUNE), CuratedList(path).model(JULY)
        changed = LINES[1].replace("post45-nyt", "elsewhere")
        write(path, HEADER, "2020-07\tA NEW BOOK\tSomeone", "", changed, *LINES[2:])
        assert CuratedList(path).model(JUNE) == june
        assert CuratedList(path).model(JULY) != july

    @pytest.mark.parametrize("instead", ["A Burning", "9780525658697", "M. Majumdar"])
    def test_a_changed_row_changes_the_model(self, path: Path, instead: str) -> None:
        old = {"A Burning": "A BURNING", "9780525658697": "9780525658696", "M. Majumdar": "Megha Majumdar"}[instead]
        before = CuratedList(path).model(JUNE)
        write(path, HEADER, LINES[1].replace(old, instead), *LINES[2:])
        assert CuratedList(path).model(JUNE) != before


class TestTheFile:
    def test_a_changed_file_is_read_again(self, path: Path) -> None:
        generator = CuratedList(path)
        before = generator.model(JULY)
        write(path, *LINES, "2020-07\tMEXICAN GOTHIC\tSilvia Moreno-Garcia")
        assert generator.model(JULY) != before

    def test_an_unchanged_file_is_read_once(self, path: Path) -> None:
        generator = CuratedList(path)
        before, status = generator.model(JUNE), path.stat()
        path.write_bytes(path.read_bytes().replace(b"BURNING", b"FREEZE!"))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert generator.model(JUNE) == before

    def test_threads_get_the_same_model(self, path: Path) -> None:
        generator = CuratedList(path)
        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(lambda _: generator.model(JUNE), range(64)))) == 1

    def test_a_missing_file_names_the_path_and_the_setting(self, tmp_path: Path) -> None:
        generator = CuratedList(tmp_path / "none.tsv")
        for message in (self.reason(generator), self.failure(generator)):
            assert str(tmp_path / "none.tsv") in message
            assert "ALEXANDRIA_CURATED_LIST" in message

    def test_a_folder_is_not_a_list(self, tmp_path: Path) -> None:
        assert "is a folder" in self.reason(CuratedList(tmp_path))
        assert str(tmp_path) in self.failure(CuratedList(tmp_path))

    @pytest.mark.parametrize("data", [b"", b"month\ttitle\n2020-06\tA BURNING\n"])
    def test_an_unusable_file_is_an_error_every_time(self, path: Path, data: bytes) -> None:
        path.write_bytes(data)
        generator = CuratedList(path)
        for _ in range(2):
            with pytest.raises(ListFormatError, match=r"books\.tsv"):
                generator.refused_rows()

    @staticmethod
    def reason(generator: CuratedList) -> str:
        unavailable = generator.unavailable()
        assert unavailable is not None
        assert not unavailable.temporary
        return unavailable.reason

    @staticmethod
    def failure(generator: CuratedList) -> str:
        with pytest.raises(SourceError) as caught:
            asyncio.run(generator.generate(JUNE))
        return str(caught.value)


class TestBadRows:
    def test_rows_without_a_month_are_skipped_once_for_the_file(self, path: Path) -> None:
        write(
            path,
            HEADER,
            "2020-13\tA\tB",
            "June 2020\tC\tD",
            "2020-06\tAbi Dar\xe9\tE".encode("latin-1"),
            "\tF\tG",
            "2020-6\tH\tI",
            LINES[1],
        )
        assert [(row.position, row.reason) for row in CuratedList(path).refused_rows()] == [
            (2, "'2020-13' is not a month: write it as YYYY-MM"),
            (3, "'June 2020' is not a month: write it as YYYY-MM"),
            (4, "byte 0xE9 at position 16, in column title, is not UTF-8: save the list as UTF-8"),
            (5, "the month is missing"),
            (6, "'2020-6' is not a month: write it as YYYY-MM"),
        ]
        assert {row.source for row in CuratedList(path).refused_rows()} == {"books.tsv"}
        assert len(listed(path).listings) == 1

    def test_rows_without_a_usable_title_or_author_are_skipped_in_their_month(self, path: Path) -> None:
        long = "x" * 2000
        write(path, HEADER, f"2020-06\t{long}\tB", "2020-06\t\tB", "2020-06\t&#8203;\tB", "2020-06\t???\tB", LINES[1])
        parsed = listed(path)
        assert [(row.position, row.reason) for row in parsed.skipped] == [
            (2, "the title has 2,000 characters; the maximum is 500"),
            (3, "the title is missing"),
            (4, "the title is missing"),
            (5, "the title has no letter or digit"),
        ]
        assert {(row.month, row.source) for row in parsed.skipped} == {(JUNE.month, "books.tsv")}
        assert [book.title for book in parsed.listings] == ["A BURNING"]
        assert CuratedList(path).refused_rows() == ()

    @pytest.mark.parametrize(
        ("title", "read"),
        [
            ("رجال في الشمس", "رجال في الشمس"),
            ("キッチン", "キッチン"),
            ('"The ""Burning"" of\tA"', 'The "Burning" of A'),
            ("Czerwi&#324;ski", "Czerwiński"),
            ("\u202eGNINRUB A\u202c", "GNINRUB A"),
            ("Emoji 📚", "Emoji 📚"),
        ],
    )
    def test_titles_in_every_script(self, path: Path, title: str, read: str) -> None:
        write(path, HEADER, f"2020-06\t{title}\t")
        assert [(book.title, book.author) for book in listed(path).listings] == [(read, "")]


@pytest.mark.parametrize(
    ("cell", "isbns"),
    [
        ("978-0-525-65869-6", ("9780525658696",)),
        ("978 0 525 65869 6", ("9780525658696",)),
        ("9780525658696 9780062868930", ("9780525658696", "9780062868930")),
        ("9780525658696;9780062868930, 9780525658696", ("9780525658696", "9780062868930")),
        ("0525658696|9780062868930", ("9780525658696", "9780062868930")),
        ("9780525658697 unknown", ()),
        ("9781234567897", ()),
    ],
)
def test_isbns_of_a_row(path: Path, cell: str, isbns: tuple[str, ...]) -> None:
    write(path, HEADER, f"2020-06\tA BURNING\tMegha Majumdar\t{cell}")
    assert listed(path).listings[0].isbns == isbns


def test_wrong_isbns_are_named_by_line_and_their_books_are_kept(path: Path) -> None:
    cells = ("9780525658697", "9.78053E+12", "9780000000002", "not_specified", '="9780525658696"')
    write(
        path,
        HEADER,
        *(f"2020-06\tBook {letter}\tMegha Majumdar\t{cell}" for letter, cell in zip("ABCDE", cells, strict=True)),
    )
    parsed = listed(path)
    assert [book.isbns for book in parsed.listings] == [(), (), (), (), ("9780525658696",)]
    assert [(row.position, row.part, row.month) for row in parsed.skipped] == [
        (line, "isbn", JUNE.month) for line in (2, 3, 4)
    ]
    for row, reason in zip(parsed.skipped, ("check digit", "format the column as text", "placeholder"), strict=True):
        assert reason in row.reason


def test_a_month_before_the_backfill_is_refused_by_line(path: Path) -> None:
    write(path, HEADER, "1998-05\tA BURNING\tMegha Majumdar\t", "2000-01\tDEVOLUTION\tMax Brooks\t")
    (row,) = CuratedList(path).refused_rows()
    assert (row.position, row.reason.partition(":")[0]) == (
        2,
        "1998-05 is before 2000-01, the first month of the backfill",
    )
