"""Material for invented data: names of people and publishers, words of titles, and words in other languages."""

from __future__ import annotations

from typing import Final

GIVEN: Final = tuple(
    "Adela|Bastian|Corinna|Dmitri|Elspeth|Fabrizio|Greta|Hollis|Ingrid|Jolyon|Katarzyna|Leopold|Mirela|Nestor|"
    "Oriel|Piers|Quentin|Rosalba|Sidonie|Thaddeus|Ursule|Valentin|Winifred|Xenia|Yorick".split("|")
)
FAMILY: Final = tuple(
    "Abernethy-Voss|Brackwater|Casterline|Dunmorrow|Eddlestone|Farraday-Pike|Gellerhaus|Hollowfield|Ivarsdotter|"
    "Jessamyn|Kestrelwood|Lockridge-Ames|Marchbanke|Nettlefold|Oakenshaw|Pennythorne|Quillfeather|Ravensmoor|"
    "Silverlake|Thistledown|Underhill-Kay|Vantongeren|Wetherington|Yarborough-Lin|Zellweger-Orr".split("|")
)
PUBLISHERS: Final = tuple(
    "Knopf|Viking|Random House|Little, Brown and Company|William Morrow|Doubleday|Scribner|Putnam|"
    "Farrar, Straus and Giroux|HarperCollins|Riverhead Books|Simon & Schuster|Penguin Press|St. Martin's Press|"
    "Henry Holt and Co.|W. W. Norton & Company".split("|")
)
AUDIO_PUBLISHERS: Final = (
    "Random House Audio",
    "Hachette Audio",
    "Macmillan Audio",
    "Recorded Books",
    "Blackstone Audio",
)
GUIDE_PUBLISHERS: Final = (
    "QuickRead Notes",
    "BookBites",
    "Insight Summaries",
    "Study Notes Press",
    "PageTurner Guides",
)
FOREIGN_PUBLISHERS: Final = {
    "fr": ("Gallimard", "Albin Michel", "Le Livre de Poche"),
    "de": ("Fischer", "Rowohlt", "Heyne"),
    "es": ("Planeta", "Anagrama", "Debolsillo"),
    "it": ("Mondadori", "Einaudi", "Feltrinelli"),
    "nl": ("De Bezige Bij", "Ambo Anthos"),
    "pt": ("Companhia das Letras", "Presença"),
    "ja": ("早川書房", "新潮社"),
    "ru": ("АСТ", "Эксмо"),
}
# The first digits of the ISBNs of a country or language.
ISBN_GROUPS: Final = {
    "en": ("9780", "9781"),
    "fr": ("9782",),
    "de": ("9783",),
    "ja": ("9784",),
    "ru": ("9785",),
    "es": ("97884",),
    "it": ("97888",),
    "nl": ("97890",),
    "pt": ("97885", "978972"),
}
LANGUAGES: Final = {
    # ISO 639-1: (ISO 639-2/B, English name, Wikidata item)
    "en": ("eng", "English", "Q1860"),
    "fr": ("fre", "French", "Q150"),
    "de": ("ger", "German", "Q188"),
    "es": ("spa", "Spanish", "Q1321"),
    "it": ("ita", "Italian", "Q652"),
    "nl": ("dut", "Dutch", "Q7411"),
    "pt": ("por", "Portuguese", "Q5146"),
    "ja": ("jpn", "Japanese", "Q5287"),
    "ru": ("rus", "Russian", "Q7737"),
}
GENRES: Final = (
    "Fiction",
    "Thrillers",
    "Science fiction",
    "Fantasy",
    "Historical fiction",
    "Mystery",
    "Biography",
    "History",
    "Romance",
    "Horror",
)

ADJECTIVES: Final = tuple(
    "Amber|Broken|Crimson|Distant|Empty|Forgotten|Gilded|Hollow|Ivory|Jagged|Last|Midnight|Northern|Obsidian|"
    "Pale|Quiet|Restless|Salt|Tidal|Unquiet|Velvet|Winter".split("|")
)
NOUNS: Final = tuple(
    "Archivist|Beekeeper|Cartographer|Daughter|Executor|Ferryman|Garden|Harbour|Inheritance|Juror|Kingdom|"
    "Lighthouse|Meridian|Nightingale|Orchard|Parallax|Quarry|Republic|Signal|Tenant|Vineyard|Witness".split("|")
)
PLACES: Final = tuple(
    "Aldermoor|Bergamo|Cape Wrath|Dunhaven|the Eastern Shore|Fallow Street|Glass Hill|Harrow Lane|the Ice|"
    "Juniper Court|Kestrel Point|Lower Marsh|Marrow Creek|the North|Orchard Row|Port Mercy".split("|")
)
TITLE_FORMS: Final = tuple(
    "The {a} {n}|The {n} of {p}|{a} {n}|One {n} in {p}|The {n}'s {m}|What the {n} Knew|The {n} and the {m}|"
    "Return to {p}|{n}: A Memoir|The {a} {n}: A History of {p}|All the {a} {n}s|The Girl from {p}".split("|")
)

# Enough words for a title to look translated. Other words do not change.
_PAIRS: Final = {
    "fr": (
        "the:le a:un an:un of:de and:et in:dans on:sur to:à for:pour girl:fille house:maison night:nuit dark:sombre "
        "death:mort love:amour life:vie man:homme woman:femme last:dernier first:premier world:monde secret:secret "
        "time:temps war:guerre king:roi queen:reine city:ville blood:sang book:livre day:jour star:étoile fire:feu "
        "dead:mort black:noir white:blanc lost:perdu my:mon children:enfants heart:cœur "
    ),
    "de": (
        "the:das a:ein an:ein of:von and:und in:in on:auf to:zu for:für girl:Mädchen house:Haus night:Nacht "
        "dark:dunkel death:Tod love:Liebe life:Leben man:Mann woman:Frau last:letzte first:erste world:Welt "
        "secret:Geheimnis time:Zeit war:Krieg king:König queen:Königin city:Stadt blood:Blut book:Buch day:Tag "
        "star:Stern fire:Feuer dead:tot black:schwarz white:weiß lost:verloren my:mein children:Kinder heart:Herz "
    ),
    "es": (
        "the:la a:una an:una of:de and:y in:en on:sobre to:a for:para girl:chica house:casa night:noche dark:oscura "
        "death:muerte love:amor life:vida man:hombre woman:mujer last:última first:primera world:mundo "
        "secret:secreto time:tiempo war:guerra king:rey queen:reina city:ciudad blood:sangre book:libro day:día "
        "star:estrella fire:fuego dead:muerto black:negro white:blanco lost:perdido my:mi children:niños "
        "heart:corazón "
    ),
    "it": (
        "the:la a:una an:una of:di and:e in:in on:su to:a for:per girl:ragazza house:casa night:notte dark:oscura "
        "death:morte love:amore life:vita man:uomo woman:donna last:ultima first:prima world:mondo secret:segreto "
        "time:tempo war:guerra king:re queen:regina city:città blood:sangue book:libro day:giorno star:stella "
        "fire:fuoco dead:morto black:nero white:bianco lost:perduto my:mio children:bambini heart:cuore "
    ),
}
TRANSLATIONS: Final = {code: dict(pair.split(":") for pair in pairs.split()) for code, pairs in _PAIRS.items()}
ROMAN_TITLES: Final = {"nl": "Roman: {0}", "pt": "{0}: Romance", "ja": "{0} 日本語版", "ru": "{0}: Роман"}


def translated(title: str, language: str) -> str:
    """The title in another language."""
    known = TRANSLATIONS.get(language)
    if known is None:
        return ROMAN_TITLES[language].format(title)
    words = [known.get(word.lower().strip(",:"), word) for word in title.split()]
    text = " ".join(words)
    return (
        text[:1].upper() + text[1:]
        if text.lower() != title.lower()
        else f"{text} ({'roman' if language == 'fr' else 'Roman'})"
    )
