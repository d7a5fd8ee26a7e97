"""`alexandria providers`, `quota`, `fetch` and `resolve`: available services, their calls today, and single requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from alexandria_pipeline import composition
from alexandria_pipeline.cli.context import opened_database, opened_pipeline
from alexandria_pipeline.cli.output import AsJson, cell, new_table, print_json, print_table, say
from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import BookQuery, Resolution
from alexandria_pipeline.operations import accounting
from alexandria_pipeline.operations import fetch as fetching
from alexandria_pipeline.providers.base import Capability, ProviderKind
from alexandria_pipeline.providers.registry import canonical_name
from alexandria_pipeline.providers.transport.types import call_context
from alexandria_pipeline.settings import SERVICES
from alexandria_pipeline.storage import breaker

services = typer.Typer(no_args_is_help=True, help="The services that are called.")


def resolve(
    title: Annotated[str, typer.Argument(help="Title of the book.", metavar="TITLE")],
    author: Annotated[str, typer.Option("--author", "-a", help="Its author.")],
    year: Annotated[int | None, typer.Option(help="Year of publication.")] = None,
    as_json: AsJson = False,
) -> None:
    """Searches the ISBN of one book and shows the evidence; stores nothing but the calls."""
    if not title.strip():
        raise InvalidValue("the title is empty; give a title and its author")
    with opened_pipeline() as (settings, pipeline):
        query = BookQuery(title, author, year, settings.language)
        resolution = asyncio.run(pipeline.resolve.cascade.ask(query, pipeline.resolve.cascade.revisions()))
    answer = _answer(title, author, resolution)
    if as_json:
        print_json(answer)
        return
    say(
        f"{title} / {author}: {answer['outcome']}"
        + (
            f", {answer['isbn13']} ({answer['provider']}, confidence {answer['confidence']})"
            if answer["isbn13"]
            else f" ({answer['reason']})"
        )
    )
    for attempt in answer["attempts"]:
        say(f"  {attempt['provider']}: {attempt['outcome']} {attempt['reason']}".rstrip())
        for line in attempt["evidence"]:
            say(f"    {line['points']:+4d}  {line['name']}: {line['detail']}")


def _answer(title: str, author: str, resolution: Resolution) -> dict[str, Any]:
    candidate = resolution.candidate
    return {
        "title": title,
        "author": author,
        "outcome": resolution.outcome.value,
        "isbn13": candidate.isbn13 if candidate else None,
        "provider": candidate.provider if candidate else None,
        "confidence": resolution.confidence,
        "reason": resolution.reason,
        "evidence": _evidence(resolution.evidence),
        "attempts": [
            {
                "provider": a.provider,
                "outcome": a.outcome,
                "reason": a.reason,
                "isbn13": a.isbn13,
                "confidence": a.confidence,
                "candidate": a.candidate.title if a.candidate else None,
                "evidence": _evidence(a.evidence),
            }
            for a in resolution.attempts
        ],
    }


def _evidence(lines: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"name": line.name, "detail": line.detail, "points": line.points} for line in lines]


def providers(as_json: AsJson = False) -> None:
    """Shows which service offers which capability, and whether it is available."""
    with opened_pipeline() as (settings, pipeline):
        cells = list(composition.availability(settings, pipeline.registry))
        warnings = composition.model_warnings(settings, datetime.now(UTC).date())
    if as_json:
        print_json(
            [
                {
                    "capability": c.capability.value,
                    "provider": c.provider,
                    "kind": c.kind.value,
                    "offered": c.offered,
                    "available": c.available,
                    "reason": c.reason,
                    "warning": warnings.get(c.provider, ""),
                }
                for c in cells
            ]
        )
        return
    table = new_table("Capabilities and the services that offer them", "capability", "provider", "kind", "available")
    for c in cells:
        if c.offered:
            table.add_row(c.capability.value, c.provider, c.kind.value, "yes" if c.available else f"no: {c.reason}")
    print_table(table)


def quota(as_json: AsJson = False) -> None:
    """Shows the calls of each service today, what is left, and the state of its circuit breaker."""
    with opened_pipeline() as (settings, pipeline):
        rates = {name: settings.service(name).requests_per_second for name in SERVICES}
        rows = accounting.service_standings(pipeline.database, pipeline.quota, rates)
    if as_json:
        print_json(rows)
        return
    table = new_table(
        "Calls of each quota day", "service", "used", "limit", "safe limit", "left", "requests/s", "breaker", "note"
    )
    for row in rows:
        limits = (row["daily_limit"], row["safety_limit"], row["safety_remaining"])
        cells = (row["service"], row["used"], *limits, f"{row['requests_per_second']:.3g}", row["breaker"])
        table.add_row(*map(cell, cells), cell(row["exhausted"] or row["last_error"]))
    print_table(table)


@services.command()
def reopen(
    name: Annotated[str, typer.Argument(help="The service, as in `alexandria quota`.", metavar="NAME")],
    by: Annotated[str, typer.Option(help="Who reopens it, for the log.")] = "a person",
) -> None:
    """Reopens a service after a top-up, a new key or a lifted ban: ends its breaker, its pause and "quota used up"."""
    service = canonical_name(name)
    if service not in SERVICES:
        raise InvalidValue(f"{name} is not a service; the services are: {', '.join(SERVICES)}")
    with opened_database() as (_, database):
        closed = breaker.reopen(database, service, by)
    for sentence in closed:
        say(f"ended: {sentence}")
    say(f"{service} is open" + ("" if closed else "; it was not closed"))


def fetch(
    capability: Annotated[
        Capability, typer.Argument(help="Capability; see `alexandria providers`.", metavar="CAPABILITY")
    ],
    isbn: Annotated[str | None, typer.Option(help="ISBN-10 or ISBN-13.")] = None,
    title: Annotated[str | None, typer.Option(help="Title, for isbn-resolution.")] = None,
    author: Annotated[str | None, typer.Option(help="Author, for isbn-resolution and author-biography.")] = None,
    subject: Annotated[str | None, typer.Option(help="Subject, for subject-browsing.")] = None,
    month: Annotated[str | None, typer.Option(help="Month, for book-generation.")] = None,
    year: Annotated[int | None, typer.Option(help="Year of the book.")] = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    as_json: AsJson = False,
) -> None:
    """Requests one capability for one item, from each provider in order until one answers; stores nothing but the calls."""
    with opened_pipeline() as (settings, pipeline):
        item = fetching.FetchItem(
            isbn=Isbn13.parse(isbn) if isbn else None,
            title=title,
            author=author,
            subject=subject,
            month=Month.parse(month) if month else None,
            year=year,
            language=settings.language,
        )
        offering = pipeline.registry.providers_with(capability)
        chosen = [each for each in offering if provider in (None, each.declaration.name)]
        if not chosen:
            names = ", ".join(each.declaration.name for each in offering)
            raise InvalidValue(f"{provider} does not offer {capability.value}; these do: {names}")
        if provider is None and not settings.services_set_up:
            # Without any service set up, nothing leaves the machine, unless a person names one.
            chosen = [each for each in chosen if each.declaration.kind is ProviderKind.LOCAL]
            if not chosen:
                raise InvalidValue(f"{composition.NOT_SET_UP}; or name one with --provider")
        with call_context(stage="fetch", purpose="manual"):
            answer = asyncio.run(fetching.fetch(capability, item, chosen))
    if as_json:
        outcome = "found" if answer.provider else _worst(answer.asked)
        print_json({"capability": capability.value, "outcome": outcome, **fetching.plain(answer)})
        return
    for asked in answer.asked:
        say(f"{asked.provider}: {asked.outcome} {asked.reason}".rstrip())
    if answer.provider:
        print_json(answer.data)


def _worst(asked: Sequence[fetching.ProviderAnswer]) -> str:
    """Returns `failed` if any provider failed, else `not_found` if any had a definite no, else `unavailable`."""
    outcomes = {each.outcome for each in asked}
    return next((outcome for outcome in ("failed", "not_found") if outcome in outcomes), "unavailable")
