"""Facts of a candidate's edition: its language and format, as the service states them or as words, people and numbers show them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from alexandria_pipeline.domain.records import Candidate, ContributorRole, EditionFormat
from alexandria_pipeline.domain.text.normalise import normalise

_AUDIO: Final = re.compile(
    r"\b(?:audio ?books?|audio ?cd|audio (?:download|cassette|edition)|mp3 cd|playaway|books? on (?:tape|cd)|compact disc)\b"
    r"|(?<!complete and )(?<!complete )\bunabridged(?: edition)?$"
)
# Publishers of recordings; services often leave the format of their editions out.
_AUDIO_PUBLISHERS: Final = re.compile(
    r"\b(?:audio|audible|audiobooks?|audiogo|recorded books|recorded b|books on tape|books in motion|listening library|brilliance|tantor"
    r"|naxos|dreamscape|podium|highbridge|bolinda|w f howes|oakhill|caedmon|findaway|sound library|playaway|storytel|blackstone audio)\b"
)
_EDITION_LANGUAGES: Final = {
    "es": r"spanish edition|edicion espanola|edicion en espanol|en espanol",
    "fr": r"french edition|edition francaise|en francais",
    "de": r"german edition|deutsche ausgabe|auf deutsch|roman auf deutsch",
    "it": r"italian edition|edizione italiana",
    "pt": r"portuguese edition|edicao portuguesa|em portugues",
    "nl": r"dutch edition|nederlandse editie",
    "ru": r"russian edition",
    "zh": r"chinese edition",
    "ja": r"japanese edition",
}
_EDITION_LANGUAGE: Final = re.compile(
    rf"\b(?:{'|'.join(f'(?P<{code}>{words})' for code, words in _EDITION_LANGUAGES.items())})\b"
)
# The usual language of a registration group of ISBNs. English has no group here: English books are published everywhere.
_GROUP_LANGUAGES: Final = {
    "9780": "en",
    "9781": "en",
    "9798": "en",
    "9782": "fr",
    "97910": "fr",
    "9783": "de",
    "9784": "ja",
    "9785": "ru",
    "9787": "zh",
    "97880": "cs",
    "97883": "pl",
    "97884": "es",
    "97979": "it",
    "97885": "pt",
    "97888": "it",
    "97912": "it",
    "97890": "nl",
    "97911": "ko",
    "97889": "ko",
    "97891": "sv",
    "97887": "da",
    "97882": "no",
    "978963": "hu",
    "978951": "fi",
    "978952": "fi",
}


def language_of(candidate: Candidate) -> str | None:
    """The candidate's language, where the service or the title tells it."""
    match = _EDITION_LANGUAGE.search(words_of(candidate))
    return match.lastgroup if match else candidate.language


@lru_cache(maxsize=8_192)
def group_language(isbn: str) -> str | None:
    """The usual language of an ISBN's registration group; a hint for choosing, never a reason to refuse."""
    return next((language for prefix, language in _GROUP_LANGUAGES.items() if isbn.startswith(prefix)), None)


def format_of(candidate: Candidate) -> EditionFormat:
    """The format; a narrator, the publisher or a word in the title shows a recording that is not called one."""
    if candidate.format in {EditionFormat.UNKNOWN, EditionFormat.OTHER}:
        narrated = any(one.role is ContributorRole.NARRATOR for one in candidate.contributors)
        recorded = is_publisher_of_recordings(candidate.publisher or "")
        if narrated or recorded or _AUDIO.search(words_of(candidate)):
            return EditionFormat.AUDIO
    return candidate.format


def is_publisher_of_recordings(name: str) -> bool:
    """Whether a publisher is known for recordings."""
    return _AUDIO_PUBLISHERS.search(normalise(name)) is not None


@lru_cache(maxsize=8_192)
def words_of(candidate: Candidate) -> str:
    """Title and subtitle as the service gives them, normalised."""
    return normalise(f"{candidate.title} {candidate.subtitle or ''}")
