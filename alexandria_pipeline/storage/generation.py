"""Generation: replies of generators, their listings, and the books of a month."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from alexandria_pipeline.domain.isbn import Isbn13
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.domain.records import GenerationRequest, Listing, RawReply
from alexandria_pipeline.storage.queries import Queries

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

_SQL = Queries("generation")


@dataclass(frozen=True, slots=True)
class StoredReply:
    """A stored reply; `read`: its books are stored, too."""

    reply_id: int
    reply: RawReply
    read: bool


@dataclass(frozen=True, slots=True)
class StoredListing:
    """A listing with its reply and its book (0: none yet)."""

    reply_id: int
    book_id: int
    listing: Listing


def _at(month: Month) -> dict[str, int]:
    return {"year": month.year, "month": month.month}


def usable_reply(tx: Connection, request: GenerationRequest, provider: str, model: str) -> StoredReply | None:
    """The stored reply that answers this request again; None if there is none."""
    values = {**_at(request.month), "provider": provider, "model": model, "prompt_variant": request.prompt_variant}
    row = tx.execute(_SQL["usable_reply"], values).fetchone()
    if row is None:
        return None
    reply = RawReply(row["provider"], row["model"], row["body"], source=row["source"])
    return StoredReply(row["reply_id"], reply, row["read"])


def store_reply(tx: Connection, request: GenerationRequest, reply: RawReply, run_id: str) -> StoredReply:
    """Stores a reply as received. If another process stored one for the same request first, returns that one.

    The cached copy of its response is removed in the same transaction, so that a refused reply is requested anew.
    """
    tx.execute(_SQL["consume_receipt"], {"receipt": reply.receipt})
    # PostgreSQL's text cannot contain NUL: it is replaced.
    row = {
        **_at(request.month),
        "prompt_variant": request.prompt_variant,
        "run_id": run_id,
        "provider": reply.provider,
        "model": reply.model,
        "source": reply.source,
        "body": reply.body.replace("\0", "\N{REPLACEMENT CHARACTER}"),
        "input_tokens": reply.input_tokens,
        "output_tokens": reply.output_tokens,
        "cost_usd": reply.cost_usd,
    }
    stored = tx.execute(_SQL["store_reply"], row).fetchone()
    if stored is not None:
        return StoredReply(stored["reply_id"], reply, read=False)
    other = usable_reply(tx, request, reply.provider, reply.model)
    if other is None:
        raise AssertionError("a reply that conflicts with none was not stored")
    return other


def record_request(tx: Connection, request: GenerationRequest) -> None:
    """Stores what was requested for a month in `backfill_log`."""
    values = {"prompt_variant": request.prompt_variant, "batch_size": request.limit}
    tx.execute(_SQL["record_request"], {**_at(request.month), **values})


def refuse_reply(tx: Connection, reply_id: int, refusal: str) -> None:
    """Marks a reply without a list as refused: it stays as a record and is not used again."""
    tx.execute(_SQL["refuse_reply"], {"reply_id": reply_id, "refusal": refusal})


def mark_read(tx: Connection, reply_id: int) -> None:
    """Marks a reply as read: its books are stored."""
    tx.execute(_SQL["mark_read"], {"reply_id": reply_id})


def listings(tx: Connection, month: Month) -> list[StoredListing]:
    """All listings of a month."""
    return [
        StoredListing(
            row["reply_id"],
            row["book_id"],
            Listing(
                row["provider"],
                row["position"],
                row["title"],
                row["author"],
                tuple(map(Isbn13, row["isbns"])),
                tuple(row["details"].items()),
            ),
        )
        for row in tx.execute(_SQL["listings"], _at(month))
    ]


def add_book(tx: Connection, month: Month, title: str, author: str, run_id: str) -> int:
    """The id of the book. Exactly the same title and author is the same book of the month."""
    row = tx.execute(_SQL["add_book"], {**_at(month), "title": title, "author": author, "run_id": run_id}).fetchone()
    if row is None:
        raise AssertionError("an upsert returned no row")
    return int(row["book_id"])


def add_listings(tx: Connection, stored: Iterable[StoredListing]) -> None:
    """Adds listings of books."""
    rows = [
        {
            "reply_id": s.reply_id,
            "position": s.listing.position,
            "book_id": s.book_id,
            "provider": s.listing.provider,
            "title": s.listing.title,
            "author": s.listing.author,
            "isbns": [str(isbn) for isbn in s.listing.isbns],
            "details": Jsonb(dict(s.listing.details)),
        }
        for s in stored
    ]
    if rows:
        tx.cursor().executemany(_SQL["add_listing"], rows)


def book_counts(tx: Connection, month: Month) -> Mapping[str, int]:
    """The number of `books` and `listings` of a month."""
    return tx.execute(_SQL["book_counts"], _at(month)).fetchone() or {"books": 0, "listings": 0}


def provider_figures(tx: Connection, month: Month) -> list[dict[str, Any]]:
    """One row per generator of a month: `provider`, `books`, `listings`, tokens, `cost_usd` and `refusals`."""
    return tx.execute(_SQL["provider_figures"], _at(month)).fetchall()


def refusals_of(tx: Connection, month: Month) -> list[dict[str, Any]]:
    """The refused replies of a month: `provider`, `model`, `received_at`, `refusal`."""
    return tx.execute(_SQL["refusals_of"], _at(month)).fetchall()
