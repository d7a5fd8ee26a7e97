"""What sort of publication a title betrays: a book, or a summary, box set or sampler that only bears its name.

The words are here. What such a word costs a candidate is said in `domain.evidence`; `domain.deduplication` keeps a book
apart from what is made of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from alexandria_pipeline.domain.text.normalise import normalise
from alexandria_pipeline.domain.text.titles import DECORATION

# Between titles in one volume, and in a catalogue also before the author: "Emma / Persuasion", "Emma / Jane Austen".
_BETWEEN_TITLES: Final = re.compile(r"\s+[/|+]\s+")
_BETWEEN_SEVERAL: Final = re.compile(r"\s*;\s+")
_RESPONSIBILITY: Final = re.compile(
    r"(?:by|or|edited|translated|illustrated|introduced|selected|foreword|with|written) "
)

# The place of a book in a series, behind the name of the series.
_PLACE: Final = r"(?:(?:books?|no|number|volume|vol|part|hashno) )?(?:\d|one|two|three|four)"
# Kinds of publication that are about a book, or parts or heaps of it: words in a normalised title or subtitle.
KINDS: Final = {
    "summary": r"summar(?:y|ies)|analys[ei]s of|key takeaways|takeaways|conversation starters|chapter by chapter|in (?:15|20|30) minutes|book review"
    r"|a? ?review of|sidekick|digest of|instaread|insights (?:on|from)|key ideas|shortcut edition|book analysis|plot themes",
    "study guide": r"(?:study|reading|readers?|teachers?|teaching|literature|lit|discussion|reading group|book club|educators|students?)"
    r" (?:guide|companion|kit|unit)s?|(?:cliffs? ?|spark ?|york |monarch |max ?|book |bloom ?s )notes|blooms (?:guides|notes|modern)"
    r"|lesson plans?|teacher(?:s)? (?:edition|resource|pack)|novel (?:units?|ties|study)|comprehension|test prep"
    r"|critical (?:essays|companion|insights)|essays on|notes on|understanding .* by|a casebook|unauthorized|unauthorised|unofficial"
    r"|^(?:(?:a|an|the|your) )?(?:[a-z]+ )?guide to|(?:fans?|ultimate) guide|guide (?:to|for) (?:the (?:novel|book|film|movie|series)|book clubs)"
    r"|(?:instructional|teaching|learning|movie|film) guide|(?:discussion|book club|essay) questions|critical (?:study|views)|new essays"
    r"|(?:the )?story behind the|study (?:edition|notes)|approaches to teaching|text and criticism|(?:landmarks"
    r"|masterpieces) of (?:[a-z]+ )?literature",
    "workbook": r"work ?book|activity book|colou?ring(?: book)?|sticker|puzzle|quiz(?:zes|book)?|trivia|cookbook|recipes from"
    r"|song ?book|piano (?:solo|vocal)",
    "companion": r"companion|behind the scenes|the making of|world of the|encyclopedia|illustrated guide|official guide|handbook"
    r"|art of the|poster",
    "box set": r"box(?:ed)? ?set|boxset|slipcase|(?:gift|collection|books|hardcover|paperback) set|omnibus|bundle|set of \d+"
    r"|books? one two and three|(?:double|starter|counter) pack|floor display|dump ?bin"
    r"|(?:[2-9]|1\d|two|three|four|five|six|seven) (?:books?|novels|volumes?)(?: (?:collection|set|bundle|in (?:1|one)))"
    rf"|(?:[2-9]|two|three|four|five) in (?:1|one)|(?:trilogy|tetralogy|quartet)(?! {_PLACE})"
    r"|(?:complete|entire) (?:series|collection|set|saga|works|novels)|(?:books?|volumes?|vols?) \d+ (?:to |and |through )?\d+"
    r"|books? (?:one|two) (?:to|and|through)|series collection|collection of \d+|\d+ book (?:collection|set)",
    "sampler": r"sampler|excerpts?|preview|teaser|sneak peek|(?:free|first(?: [a-z0-9]+)?) (?:chapters?|pages)|chapters? (?:1|one)(?: \d+)?|first look"
    r"|(?:bonus|opening) chapters?|deleted scenes?|advance (?:reading|readers|review)|arc|extract",
    "calendar": r"calendar|planner|(?:address|birthday) book|diary \d{4}|\d{4} diary|agenda \d{4} \d{4}|postcards?|stationery",
    "journal": r"(?:guided |writing |reading |lined |blank )?journal|note ?book|sketchbook|log ?book",
    "adaptation": r"graphic (?:novel|adaptation|edition|history|memoir|biography|classics?)|comics?|manga|screenplay|shooting script|(?:the|play|official|complete) ?scripts?"
    r"|script ?book|stage (?:play|version|adaptation|edition)|libretto|dramati[sz](?:ed|ation)|adapted (?:for|by|from)|adaptation"
    r"|retold|retelling|fan ?fiction|for (?:kids|children|young (?:readers|adults|people))|young readers?(?: edition| adaptation)?"
    r"|story ?book|classic starts|illustrated classics|(?:easy|graded|simplified|penguin|macmillan|oxford|cambridge) (?:english )?readers?"
    r"|(?:young adult|childrens|kids|junior|school|student) edition|junior noveli[sz]ation|classics illustrated|first classics|level \d readers?"
    r"|guided readers?|usborne|ladybird|(?:film|movie|radio|television) (?:script|play)|radio drama(?:ti[sz]ation)?|movie scrapbook|spoof"
    r"|bookworms|abridged|in easy english|musical|vocal score|sheet music|soundtrack|picture book edition|readers digest|condensed|parody",
    "another book": r"untitled|a sequel(?: to)?|the sequel(?: to)?|prequel(?: to)?|sequel to|(?:unauthori[sz]ed|unofficial) sequel",
}  # fmt: skip
_KIND: Final = re.compile("|".join(rf"(?P<k{place}>\b(?:{words})\b)" for place, words in enumerate(KINDS.values())))
_KIND_NAMES: Final = tuple(KINDS)
# What only looks like one of them: the place of a book in a series.
_INNOCENT: Final = re.compile(
    r"\bun ?abridged\b|\b(?:book|part|volume|vol|no) (?:\d+|one|two|three|four|five) (?:of|in) (?:the )?(?:[a-z0-9]+ ){1,4}?"
    r"(?:trilogy|tetralogy|quartet)\b"
)
# Publishers who write about other people's books and put the author's name on the cover.
SUMMARY_MAKERS: Final = re.compile(
    r"\b(?:publishing notes|cliffs ?notes|spark ?notes|super ?summary|book ?rags|book ?caps|book ?habits|instaread|shmoop"
    r"|bright ?summaries|worth books"
    r"|fast ?reads|readtrepreneur|quick ?read|milkyway media|blinkist|gradesaver|lit ?charts|book ?tigers|daily ?books|irb media"
    r"|summareads|abookaday|must read summaries|penguin readers|everest media|novel units)\b"
)  # fmt: skip


@lru_cache(maxsize=8_192)
def kinds(words: str) -> frozenset[str]:
    """The kinds of publication that a normalised title betrays."""
    text = _INNOCENT.sub(" ", words)
    return frozenset(_KIND_NAMES[int(match.lastgroup[1:])] for match in _KIND.finditer(text) if match.lastgroup)


def lists_several_titles(title: str, authors: frozenset[str]) -> bool:
    """Whether a title as printed strings several titles together ("Emma / Persuasion"). `authors`: words of their names."""
    return any(
        sum(not _belongs_to_title(normalise(other), authors) for other in between.split(title)[1:]) >= least
        for between, least in ((_BETWEEN_TITLES, 1), (_BETWEEN_SEVERAL, 2))
    )


def _belongs_to_title(segment: str, authors: frozenset[str]) -> bool:
    """Nothing, decoration, a number, or who wrote it."""
    words = segment.split()
    if len(words) < 3 and (not words or any(word.isdecimal() and len(word) < 4 for word in words)):
        return True
    return bool(authors.intersection(words) or DECORATION.fullmatch(segment) or _RESPONSIBILITY.match(segment))
