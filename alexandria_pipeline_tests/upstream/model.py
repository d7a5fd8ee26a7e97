"""Records of the stand-in: works, their editions, and derivatives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Service(StrEnum):
    """The eight services, by their names in the pipeline."""

    ISBNDB = "isbndb"
    GOOGLE_BOOKS = "google-books"
    OPEN_LIBRARY = "open-library"
    INTERNET_ARCHIVE = "internet-archive"
    WIKIDATA = "wikidata"
    WIKIPEDIA = "wikipedia"
    GEMINI = "gemini"
    XAI = "xai"


RESOLVERS = (Service.ISBNDB, Service.GOOGLE_BOOKS, Service.OPEN_LIBRARY, Service.INTERNET_ARCHIVE, Service.WIKIDATA)


class Kind(StrEnum):
    """An edition of a work, or a kind of derivative with its title."""

    EDITION = "edition"
    STUDY_GUIDE = "study guide"
    SUMMARY = "summary"
    WORKBOOK = "workbook"
    COMPANION = "companion"
    BOX_SET = "box set"
    SAMPLER = "sampler"
    CALENDAR = "calendar"
    GRAPHIC_NOVEL = "graphic novel"
    SCREENPLAY = "screenplay"
    PLACEHOLDER = "placeholder"


class Form(StrEnum):
    """The format of an edition."""

    HARDCOVER = "Hardcover"
    PAPERBACK = "Paperback"
    LARGE_PRINT = "Large Print"
    EBOOK = "eBook"
    AUDIO = "Audio CD"


class Origin(StrEnum):
    """The origin of a work: a fact of the books file, or invented as a neighbour of one."""

    REAL = "real"
    SEQUEL = "sequel"
    NAMESAKE = "namesake"


@dataclass(frozen=True, slots=True)
class Edition:
    """One ISBN of a catalogue. `work` is the work of an edition, or the work that a derivative is made from."""

    isbn13: str
    kind: Kind
    work: int
    title: str
    authors: tuple[str, ...]
    published: str
    language: str
    form: Form
    publisher: str
    pages: int
    subtitle: str | None = None
    translator: str | None = None

    @property
    def year(self) -> int:
        return int(self.published[:4])

    @property
    def is_print(self) -> bool:
        return self.form in {Form.HARDCOVER, Form.PAPERBACK, Form.LARGE_PRINT}


@dataclass(slots=True)
class Work:
    """A work. `month` is its month of publication, "2020-06". Only listed works are on monthly lists."""

    number: int
    title: str
    subtitle: str | None
    authors: tuple[str, ...]
    month: str
    genre: str
    origin: Origin
    listed: bool
    series: tuple[str, int] | None = None
    neighbour_of: int | None = None
    editions: list[Edition] = field(default_factory=list)

    @property
    def year(self) -> int:
        return int(self.month[:4])

    def isbns(self, language: str | None = None, *, printed: bool = False) -> frozenset[str]:
        """The ISBNs of its editions: all, those in a language, or those in print."""
        return frozenset(
            edition.isbn13
            for edition in self.editions
            if language in {None, edition.language} and (edition.is_print or not printed)
        )


class Damage(StrEnum):
    """An error in a service's record of an edition."""

    NO_AUTHORS = "no authors"
    WRONG_CHECK_DIGIT = "wrong check digit"
    CUT_TITLE = "cut title"
    AUTOFILLED = "autofilled author"
    SPLIT_AUTHOR = "author in two entries"
    LAST_FIRST = "last, first"
    ABSURD_DATE = "absurd date"
    NO_DATE = "no date"
    NO_LANGUAGE = "no language"


# Damage after which a record cannot be recognised as the book.
FATAL = frozenset({Damage.NO_AUTHORS, Damage.WRONG_CHECK_DIGIT, Damage.CUT_TITLE, Damage.AUTOFILLED})


@dataclass(frozen=True, slots=True)
class Record:
    """An edition in one service. `number` is its number in the catalogue. `rank_bonus` moves it up in search results."""

    edition: Edition
    number: int
    isbn: str
    title: str
    subtitle: str | None
    authors: tuple[str, ...]
    published: str | None
    language: str | None
    damage: Damage | None
    rank_bonus: float
