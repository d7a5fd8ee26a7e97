"""Turns the records of services into facts by field. An unknown value gives no fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alexandria_pipeline.domain.metadata import (
    AuthorBiography,
    Award,
    Cover,
    EditionMetadata,
    EditionVariant,
    ExternalIds,
    PublicDomain,
    PublicDomainStatus,
    Rating,
    SeriesInfo,
    Subjects,
    Translation,
)
from alexandria_pipeline.domain.records import Candidate, CatalogEntry, Contributor, EditionFormat

Facts = tuple[tuple[str, Any], ...]


def edition_facts(record: EditionMetadata) -> Facts:
    """The facts of an edition's record."""
    return _given(
        title=record.title,
        subtitle=record.subtitle,
        authors=_people(record.contributors),
        description=record.description,
        subjects=list(record.subjects),
        publisher=record.publisher,
        published=str(record.published) if record.published else None,
        pages=record.pages,
        language=record.language,
        format=_format(record.format),
        series=_series(record.series, record.volume),
        identifiers=_pairs(record.identifiers),
        cover=[_cover(cover) for cover in record.covers],
    )


def candidate_facts(candidate: Candidate) -> Facts:
    """The facts of an edition that a search found."""
    return _given(
        title=candidate.title,
        subtitle=candidate.subtitle,
        authors=_people(candidate.contributors),
        subjects=list(candidate.subjects),
        publisher=candidate.publisher,
        published=str(candidate.published) if candidate.published else None,
        pages=candidate.pages,
        language=candidate.language,
        format=_format(candidate.format),
        series=_series(candidate.series, candidate.volume),
        identifiers=_pairs(candidate.identifiers),
    )


def catalog_facts(entry: CatalogEntry, covers_url: str) -> Facts:
    """The facts of an edition of the local catalogue. `covers_url`: the address of Open Library's covers."""
    series = [{"name": name, "position": None} for name in entry.series[:1]]
    covers = [
        *([entry.cover] if entry.cover else []),
        *(f"{covers_url}/b/id/{number}-L.jpg" for number in entry.covers),
    ]
    return _given(
        title=entry.title,
        subtitle=entry.subtitle,
        authors=_people(entry.contributors or (Contributor(entry.author),)) if entry.author else [],
        subjects=list(entry.subjects),
        publisher=entry.publisher,
        published=str(entry.published) if entry.published else None,
        pages=entry.pages,
        language=entry.language,
        format=_format(entry.format),
        series=series[0] if series else None,
        identifiers=_pairs(entry.identifiers),
        cover=[{"url": url, "width": None, "height": None} for url in covers],
    )


def work_facts(answer: object) -> Facts:
    """The facts about a work in the answer of a capability: a record, or a sequence of records."""
    match answer:
        case Rating():
            return _given(rating={"average": answer.average, "count": answer.count})
        case PublicDomain():
            known = answer.status is not PublicDomainStatus.UNKNOWN
            return _given(public_domain={"status": answer.status.value, "basis": answer.basis} if known else None)
        case ExternalIds():
            return _given(identifiers=_pairs(answer.identifiers))
        case Subjects():
            return _given(subjects=list(answer.subjects))
        case SeriesInfo():
            return _given(series=_series(answer.series, answer.position))
        case str() | bytes():
            return ()
        case Sequence():
            return _list_facts(list(answer))
        case _:
            return ()


def author_facts(record: AuthorBiography) -> Facts:
    """The facts of a biography."""
    return _given(
        name=record.name,
        biography=record.biography,
        born=str(record.born) if record.born else None,
        died=str(record.died) if record.died else None,
        portrait=record.portrait_url,
        identifiers=_pairs(record.identifiers),
    )


def _list_facts(records: list[object]) -> Facts:
    found: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        match record:
            case Award():
                value: dict[str, Any] = {"name": record.name, "year": record.year, "won": record.won}
                found.setdefault("awards", []).append(value)
            case Translation():
                value = {
                    "language": record.language,
                    "title": record.title,
                    "isbn13": record.isbn13,
                    "translators": list(record.translators),
                }
                found.setdefault("translations", []).append(value)
            case EditionVariant():
                value = {
                    "isbn13": record.isbn13,
                    "title": record.title,
                    "format": record.format.value,
                    "language": record.language,
                    "publisher": record.publisher,
                    "published": str(record.published) if record.published else None,
                }
                found.setdefault("variants", []).append(value)
            case Cover():
                found.setdefault("cover", []).append(_cover(record))
    return tuple(found.items())


def _given(**values: Any) -> Facts:
    return tuple((name, value) for name, value in values.items() if value not in (None, "", [], {}))


def _people(contributors: Sequence[Contributor]) -> list[dict[str, Any]]:
    return [
        {"name": one.name, "role": one.role.value, **({"ids": _pairs(one.identifiers)} if one.identifiers else {})}
        for one in contributors
        if one.name.strip()
    ]


def _format(found: EditionFormat) -> str | None:
    return None if found in {EditionFormat.UNKNOWN, EditionFormat.OTHER} else found.value


def _series(name: str | None, position: str | None) -> Mapping[str, Any] | None:
    return {"name": name, "position": position} if name else None


def _pairs(identifiers: Sequence[tuple[str, str]]) -> list[list[str]]:
    return [[scheme, value] for scheme, value in identifiers]


def _cover(cover: Cover) -> dict[str, Any]:
    return {"url": cover.url, "width": cover.width, "height": cover.height}
