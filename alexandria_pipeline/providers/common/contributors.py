"""Who did what on a book, read from the ways services write a name with its role.

Names stay as spelt, "Last, First" included: comparing names is `domain.names`. Here only the role is taken off, and
entries are made whole that a service has cut in two.
"""

from __future__ import annotations

import re
from typing import Final

from alexandria_pipeline.domain.records import Contributor, ContributorRole
from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.person_names import PARTICLES
from alexandria_pipeline.providers.common.fields import texts

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
_BRACKET: Final = re.compile(r"\s*[(\[]([^()\[\]]{2,60})[)\]]\s*$")
_LAST_PART: Final = re.compile(r"\s*,\s*([^,]{2,40})$")
_PREFIX: Final = re.compile(r"^(\w+(?:\s+and\s+\w+)?\s+by)\s+(?=\S)", re.IGNORECASE)
_BETWEEN_ENTRIES: Final = re.compile(r"\s*[;|]\s*|(?<=[)\]])\s*,\s*")
_AND: Final = re.compile(r"\s+(?:and|&)\s+")
_MISSING: Final = frozenset(
    {
        "unknown",
        "unknown author",
        "author unknown",
        "not available",
        "not specified",
        "none",
        "n/a",
        "no author",
        "author",
        "-",
    }
)
_ENDS_IN_INITIAL: Final = re.compile(r"(?:^|[\s.])[^\W\d_]\.?$")


def contributors(
    value: object, default: ContributorRole = ContributorRole.UNKNOWN, *, halves: bool = False
) -> tuple[Contributor, ...]:
    """The people of a name, a list of names, or a line of names; each once.

    `default` is the role of those who are given none. `halves`: the service cuts "Last, First" in two.
    """
    entries = (part for entry in texts(value) for part in _BETWEEN_ENTRIES.split(entry) if part)
    names = [name for entry in entries for name in _one_by_one(entry)]
    found = (contributor(name, default) for name in (_joined(names) if halves else names))
    return tuple(dict.fromkeys(person for person in found if person is not None))


def contributor(name: str, default: ContributorRole = ContributorRole.UNKNOWN) -> Contributor | None:
    """One name without its role, as in "Doe, Jane (Illustrator)" or "Doe, Jane, ed."; None for nobody."""
    role: ContributorRole | None = None
    for form in (_BRACKET, _LAST_PART, _PREFIX):
        match = form.search(name)
        if match and (told := role_of(match[1])) is not None and not _is_given_name(form, match[1]):
            role, name = told, name[: match.start()] + name[match.end() :]
            break
    name = name.strip(" ,;")
    if not name or name.lower() in _MISSING or not any(map(str.isalpha, name)):
        return None
    return Contributor(name, role or default)


def _one_by_one(entry: str) -> list[str]:
    """ "Hal Duncan and Wendy Okonkwo (Introduction)": the role is that of the last, unless it is that of several ("Translators")."""
    told = _BRACKET.search(entry)
    names = _AND.split(entry[: told.start()]) if told and role_of(told[1]) is not None else []
    if told is None or len(names) < 2 or any(len(name.split()) < 2 for name in names):
        return [entry]
    shared = told[1].lower().endswith(("s", " by"))
    return [f"{name} ({told[1]})" if shared or name is names[-1] else name for name in names]


def role_of(words: str) -> ContributorRole | None:
    """The role that "Illustrator", "ill.", "translated by" or "Author and Editor" names (the first that counts)."""
    for part in re.split(r"\s*(?:,|/|&|\band\b)\s*", words.strip()):
        for role, form in _ROLES:
            if form.fullmatch(part):
                return role
    return None


def _is_given_name(form: re.Pattern[str], words: str) -> bool:
    """ "Smith, Art." or "Page, Reader" is a name: after a comma a role is written small."""
    return form is _LAST_PART and not words[0].islower()


def _joined(names: list[str]) -> list[str]:
    """Entries made whole: ["Herbert", "Frank"], ["Le Guin", "Ursula K."], ["King,", "Stephen"] are one person each."""
    if names and len(names) % 2 == 0 and all(map(_is_one_word, names)):
        return [f"{names[place].rstrip(' ,')}, {names[place + 1]}" for place in range(0, len(names), 2)]
    whole: list[str] = []
    for name in names:
        if whole and (whole[-1].endswith(",") or (_is_surname(whole[-1]) and _is_given_part(name))):
            whole[-1] = f"{whole[-1].rstrip(' ,')}, {name}"
        else:
            whole.append(name)
    return whole


def _is_one_word(name: str) -> bool:
    return not re.search(r"[\s,]", name.rstrip(" ,")) and not _BRACKET.search(name)


def _is_surname(name: str) -> bool:
    words = normalise(name).split()
    return "," not in name and bool(words) and set(words[:-1]) <= PARTICLES


def _is_given_part(name: str) -> bool:
    """Nothing but given names: the last of them is an initial, which no surname is."""
    return "," not in name and _ENDS_IN_INITIAL.search(name) is not None
