"""Contributors: reads the people of a book and their roles from the ways in which services write them.

Names stay as the service spells them, "Last, First" included. `domain.text.person_names` compares names; this module only
removes the role from a name and joins names that a service has split into two entries.
"""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain.records import Contributor, ContributorRole
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import PARTICLES, UNKNOWN_AUTHOR
from alexandria_pipeline.providers.common.text_fields import MAX_NAME, texts

MAX_PEOPLE: Final = 50

_WORDS: Final = {
    ContributorRole.TRANSLATOR: r"translat(?:or|ed|ion)s?|transl?\.?|trl|übersetz(?:er|ung|t)|traducteur|traductora?",
    ContributorRole.ILLUSTRATOR: r"illustrat(?:or|ed|ions?)s?|illus\.?|ill?\.|ilt|artist|penciller|drawings|pictures",
    ContributorRole.NARRATOR: r"narrat(?:or|ed|ion)s?|read(?:er| by)?|nrt|performed|performer|voice",
    ContributorRole.EDITOR: r"(?:(?:series|general|volume) )?edit(?:or|ed)s?|eds?\.|edt|herausgeber",
    ContributorRole.AUTHOR: r"authors?|aut|writer|written|text|creator|auteur|autora?",
    ContributorRole.OTHER: r"foreword|introduction|introd?\.|preface|afterword|contribut(?:or|ions?)|cover(?: art)?"
    r"|photograph(?:er|s|y)|design(?:er|ed)?|adapt(?:er|or|ed)|compil(?:er|ed)|comp\.|composer|colou?rist|letterer"
    r"|inker|director|producer|publisher",
}
_ROLES: Final = tuple((role, re.compile(rf"(?:{form})(?:\s+by)?", re.IGNORECASE)) for role, form in _WORDS.items())
_BRACKET: Final = re.compile(r"(?<!\s)\s*+[(\[]([^()\[\]]{2,60}+)[)\]]\s*+$")
_LAST_PART: Final = re.compile(r"(?<!\s)\s*+,\s*+([^,]{2,40})$")
_PREFIX: Final = re.compile(r"^(\w+(?:\s+and\s+\w+)?\s+by)\s+(?=\S)", re.IGNORECASE)
_BETWEEN_ENTRIES: Final = re.compile(r"(?:(?<!\s)\s++)?[;|]\s*+|(?<=[)\]])\s*+,\s*+")
_AND: Final = re.compile(r"(?<!\s)\s++(?:and|&)\s++")
_ENDS_IN_INITIAL: Final = re.compile(r"(?:^|[\s.])[^\W\d_]\.?$")


def contributors(
    value: object, default: ContributorRole = ContributorRole.UNKNOWN, *, split_names: bool = False
) -> tuple[Contributor, ...]:
    """The people in a name, a list of names, or one line with several names; each person once.

    `default` is the role of people without a stated role. `split_names`: the service may split "Last, First" into two
    entries.
    """
    entries = (part for entry in texts(value)[:MAX_PEOPLE] for part in _BETWEEN_ENTRIES.split(entry) if part)
    names = [name[:MAX_NAME] for entry in entries for name in _names_of(entry)][:MAX_PEOPLE]
    found = (contributor(name, default) for name in (_join_split_names(names) if split_names else names))
    return tuple(dict.fromkeys(person for person in found if person is not None))


def contributor(name: str, default: ContributorRole = ContributorRole.UNKNOWN) -> Contributor | None:
    """One name and its role: "Doe, Jane (Illustrator)" or "Doe, Jane, ed."; None if the text names no person."""
    role: ContributorRole | None = None
    for form in (_BRACKET, _LAST_PART, _PREFIX):
        match = form.search(name)
        if match and (stated := role_of(match[1])) is not None and not _is_given_name(form, match[1]):
            role, name = stated, name[: match.start()] + name[match.end() :]
            break
    name = name.strip(" ,;")
    if not any(map(str.isalpha, name)) or normalise(name) in UNKNOWN_AUTHOR:
        return None
    return Contributor(name, role or default)


def _names_of(entry: str) -> list[str]:
    """The names of an entry such as "Hal Duncan and Wendy Okonkwo (Introduction)".

    The role belongs to the last name, or to all names if it is written for several people ("Translators", "edited by").
    """
    bracket = _BRACKET.search(entry)
    names = _AND.split(entry[: bracket.start()]) if bracket and role_of(bracket[1]) is not None else []
    if bracket is None or len(names) < 2 or any(len(name.split()) < 2 for name in names):
        return [entry]
    shared = bracket[1].lower().endswith(("s", " by"))
    return [f"{name} ({bracket[1]})" if shared or name is names[-1] else name for name in names]


def role_of(words: str) -> ContributorRole | None:
    """The role that "Illustrator", "ill.", "translated by" or "Author and Editor" names; of several roles, the first."""
    for part in re.split(r"(?:(?<!\s)\s++)?(?:,|/|&|\band\b)\s*+", words.strip()):
        for role, form in _ROLES:
            if form.fullmatch(part):
                return role
    return None


def _is_given_name(form: re.Pattern[str], words: str) -> bool:
    """Whether the part after a comma is a given name, as in "Smith, Art." and "Page, Reader": roles start in lower case."""
    return form is _LAST_PART and not words[0].islower()


def _join_split_names(names: list[str]) -> list[str]:
    """Joins split names: ["Herbert", "Frank"], ["Le Guin", "Ursula K."] and ["King,", "Stephen"] are one person each."""
    if names and len(names) % 2 == 0 and all(map(_is_one_word, names)):
        return [f"{names[place].rstrip(' ,')}, {names[place + 1]}" for place in range(0, len(names), 2)]
    joined: list[str] = []
    for name in names:
        if joined and (joined[-1].endswith(",") or (_is_surname(joined[-1]) and _is_given_part(name))):
            joined[-1] = f"{joined[-1].rstrip(' ,')}, {name}"
        else:
            joined.append(name)
    return joined


def _is_one_word(name: str) -> bool:
    return not re.search(r"[\s,]", name.rstrip(" ,")) and not _BRACKET.search(name)


def _is_surname(name: str) -> bool:
    words = normalise(name).split()
    return "," not in name and bool(words) and set(words[:-1]) <= PARTICLES


def _is_given_part(name: str) -> bool:
    """Whether the text has given names only: it ends in an initial, which no surname does."""
    return "," not in name and _ENDS_IN_INITIAL.search(name) is not None
