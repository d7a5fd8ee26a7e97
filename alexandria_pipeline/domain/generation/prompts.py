"""The registered prompts for the books of a month, and the response schema. The same request has the same prompt.

Free text is rejected, because every result must name the prompt that it comes from. How a service receives the prompt and
the schema belongs in its package. `reply_parser.py` reads the replies.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alexandria_pipeline.domain.month import Month


class PromptVariant(StrEnum):
    """The names of the registered prompts (docs/behaviour.md, "Generation")."""

    BASELINE = "baseline"
    CONTEMPORARY_NOTABLE = "contemporary-notable"
    ANNUAL = "annual"
    DIVERSITY_EMPHASIS = "diversity-emphasis"
    OVERLOOKED_SIGNIFICANCE = "overlooked-significance"
    GENRE_ROTATION = "genre-rotation"
    ERA_CONTEXTUALIZED = "era-contextualized"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The system instruction and the user message of a request."""

    system: str
    user: str


CONTEMPORARY_SINCE: Final = 2020

# JSON Schema for the strict modes of the services: all properties are required, and no others are allowed. An unknown value
# is "".
BOOK_LIST_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "books": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "title": {"type": "string", "description": "Title as on the title page"},
                    "author": {"type": "string", "description": "Full name of the author, given name first"},
                    "publisher": {"type": "string", "description": "Original publisher in English, or empty"},
                    "genre": {"type": "string", "description": "Genre in a few words, or empty"},
                    "significance": {"type": "string", "description": "Why it matters, in one sentence, or empty"},
                },
                "required": ["title", "author", "publisher", "genre", "significance"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["books"],
    "additionalProperties": False,
}

# `calendar.month_name` depends on the locale, but a prompt must not.
_MONTH_NAMES: Final = tuple(
    "January February March April May June July August September October November December".split()
)

GENRES: Final = (
    "literary fiction",
    "crime, mystery and thriller",
    "science fiction",
    "fantasy",
    "historical fiction",
    "romance and contemporary relationships",
    "horror and the uncanny",
    "history, politics and current affairs",
    "biography and memoir",
    "science, nature and technology",
    "children's and young adult books",
    "poetry, essays and graphic narrative",
)
"""The genre of each month of the year, for `genre-rotation`; January has the first."""

_ERAS: Final = (
    (1899, "the age of the serial, the lending library and the three-volume novel"),
    (1945, "two world wars, modernism, and the rise of the cheap paperback"),
    (1979, "the post-war decades: decolonisation, the cold war, new rights movements, the mass-market paperback"),
    (1999, "the last decades before the web: chain bookshops, blockbuster lists, the memoir boom"),
    (2007, "the first years of online bookselling, of 11 September 2001 and its wars, of book clubs on television"),
    (2012, "the financial crisis, the coming of the e-reader, and the first self-published best-sellers"),
    (2019, "social media, debates on race, gender and climate, and the revival of independent bookshops"),
    (2022, "the pandemic: postponed publications, closed bookshops, reading at home, books found through short videos"),
    (
        9999,
        "the years after the pandemic: audio on the rise, book bans, generated text, genre fiction led by fans online",
    ),
)
"""(last year, description of publishing until then), in chronological order, for `era-contextualized`."""

_SYSTEM: Final = """\
You compile lists of notable books for a library catalogue. Each book you name is looked up in other catalogues
afterwards, so books that exist, under their exact titles and authors, matter more than a long list.

Rules:
- Name only books that you know to exist. Do not invent books, titles or authors. A shorter list is welcome; an
  invented book is not.
- Name only books first published {when}, in English or in English translation. No reprints, new editions or
  paperback issues of earlier books. If you are not sure that a book first appeared then, leave it out.
- No summaries, study guides, workbooks, box sets, samplers, calendars or single issues of magazines.
- Name each book once.
- title: as on the title page, without the name of a series in brackets; keep a volume number where volumes share a
  title.
- author: full name, given name first; several authors joined with " and "; no translators or illustrators.
- publisher: who first published it in English. genre: a few words. significance: one sentence.
- Leave a place empty ("") rather than guess. Give nothing beyond these places: no numbers or identifiers of editions.
- Answer with one JSON object of the form
  {{"books": [{{"title": "", "author": "", "publisher": "", "genre": "", "significance": ""}}]}} and nothing else."""

# The question of each variant. {period} is "June 2020" and {year} its year.
_QUESTIONS: Final[Mapping[PromptVariant, str]] = {
    PromptVariant.BASELINE: (
        "Which notable books were first published in {period}? Cover fiction and non-fiction, best-sellers and books "
        "praised by critics, for adults and for young readers."
    ),
    PromptVariant.CONTEMPORARY_NOTABLE: (
        "Which books first published in {period} did readers and critics take notice of? Draw on best-seller lists, "
        "major reviews, prize long-lists and short-lists, and book clubs; cover fiction and non-fiction of all kinds."
    ),
    PromptVariant.ANNUAL: (
        "Which books first published in {year} is that year remembered for? Draw on year-end lists, prizes and lasting "
        "influence. Begin with those that appeared in {period}, then go on to the other months of {year}."
    ),
    PromptVariant.DIVERSITY_EMPHASIS: (
        "Which notable books were first published in {period}? Give particular room to authors whom such lists often "
        "miss: women, authors of colour, indigenous and LGBTQ+ authors, authors with disabilities, and authors from "
        "Africa, Asia, Latin America, the Caribbean and the Pacific; and books translated into English."
    ),
    PromptVariant.OVERLOOKED_SIGNIFICANCE: (
        "Which significant books first published in {period} were overlooked at the time? Think of small and "
        "university presses, debuts, translations, and books that found readers, prizes or influence only later. Leave "
        "out the best-known books of the month."
    ),
    PromptVariant.GENRE_ROTATION: (
        "Which notable books of this kind were first published in {period}: {genre}? Stay within this kind; include "
        "the popular and the praised."
    ),
    PromptVariant.ERA_CONTEXTUALIZED: (
        "Which books first published in {period} tell most about their time? The setting: {era}. Include books that "
        "shaped or reflected it as well as those that simply found many readers then."
    ),
}


def default_variant(month: Month) -> PromptVariant:
    """The variant of a month if none is chosen: `contemporary-notable` for recent months, else `baseline`."""
    return PromptVariant.CONTEMPORARY_NOTABLE if month.year >= CONTEMPORARY_SINCE else PromptVariant.BASELINE


def registered_variant(name: str) -> PromptVariant:
    """The variant with this name. Raises InvalidValue for any other text."""
    try:
        return PromptVariant(name)
    except ValueError:
        raise InvalidValue(f"{name!r} is not a registered prompt; use one of: {', '.join(PromptVariant)}") from None


def prompt(variant: PromptVariant, month: Month, limit: int) -> Prompt:
    """The prompt of a variant for a month and at most `limit` books."""
    period = f"{_MONTH_NAMES[month.month - 1]} {month.year}"
    when = f"in {month.year}" if variant is PromptVariant.ANNUAL else f"in {period}"
    question = _QUESTIONS[variant].format(period=period, year=month.year, genre=genre(month), era=era(month.year))
    return Prompt(_SYSTEM.format(when=when), f"{question}\n\nName up to {limit} books, the most notable first.")


def genre(month: Month) -> str:
    """The genre that `genre-rotation` requests for this month."""
    return GENRES[month.month - 1]


def era(year: int) -> str:
    """The description of publishing in this year, for `era-contextualized`."""
    return next(context for last, context in _ERAS if year <= last)
