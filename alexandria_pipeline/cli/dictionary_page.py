"""Writes docs/data-dictionary.md from the comments of the library's tables, and the rules of its fields.

`python -m alexandria_pipeline.cli.dictionary_page` starts a database of its own in a temporary folder and rewrites the file. `dictionary()`
returns its text for a database; a test compares both.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from alexandria_pipeline.domain.merging import fields
from alexandria_pipeline.domain.merging.claims import SOURCE_ORDER
from alexandria_pipeline.domain.merging.scores import WEIGHTS
from alexandria_pipeline.storage.database import Database
from alexandria_pipeline.storage.embedded.server import EmbeddedServer
from alexandria_pipeline.storage.migrate import migrate

PAGE: Final = Path(__file__).parents[2] / "docs" / "data-dictionary.md"
COMMAND: Final = ".venv/bin/python -m alexandria_pipeline.cli.dictionary_page"

TABLES: Final = (
    "enriched_works", "enriched_editions", "enriched_authors", "work_authors", "work_alias", "external_id", "source_record", "claim",
    "field_lock", "identity_judgement", "enrichment_request", "field_conflict", "month_enrichment", "enrichment_log", "catalogue_page",
)  # fmt: skip

COLUMNS: Final = b"""
select c.relname as name, obj_description(c.oid) as comment, a.attname as column, format_type(a.atttypid, a.atttypmod) as type,
       a.attnotnull as required, col_description(c.oid, a.attnum) as meaning
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relkind in ('r', 'v') and c.relnamespace = 'public'::regnamespace and c.relname = any(%(tables)s)
order by array_position(%(tables)s::text[], c.relname::text), a.attnum
"""

HEAD: Final = f"""\
# Data dictionary

The tables of the library: what is served, and what it is computed from. The view `catalogue_page` has all of a book in one row. This page
is made by `{COMMAND}` from the comments in the database. Do not edit it.

```mermaid
erDiagram
    enriched_works ||--o{{ enriched_editions : "has"
    enriched_works ||--o{{ work_authors : "is by"
    enriched_authors ||--o{{ work_authors : "wrote"
    enriched_works ||--o{{ work_alias : "was"
    enriched_works |o--o{{ enriched_works : "merged into"
    enriched_authors |o--o{{ enriched_authors : "merged into"
    source_record ||--|{{ claim : "states"
    source_record }}o--|| enriched_editions : "about"
    field_lock }}o--|| enriched_works : "about"
    identity_judgement }}o--|| enriched_works : "about two"
    external_id }}o--|| enriched_works : "identifies"
```

A page of a bookshop in one query:

```sql
select * from catalogue_page where work_key = 'dune|herbert';
```

A list of what is new, with covers:

```sql
select title, author, published, publisher, cover_url, rating_average from catalogue_page where isbn13 is not null order by published desc limit 20;
```
"""


def dictionary(database: Database) -> str:
    """The text of docs/data-dictionary.md. Raises ValueError for a column without a comment."""
    with database.transaction() as tx:
        rows = tx.execute(COLUMNS, {"tables": list(TABLES)}).fetchall()
    return "\n".join([HEAD, *_tables(rows), *_rules(), *_scores()]).rstrip() + "\n"


def _tables(rows: list[dict[str, Any]]) -> Iterator[str]:
    for name in TABLES:
        own = [row for row in rows if row["name"] == name]
        bare = [row["column"] for row in own if not row["meaning"]]
        if bare or not own or not own[0]["comment"]:
            raise ValueError(f"{name} has no comment on: {', '.join(bare) or 'the table'}")
        yield f"## {name}\n\n{own[0]['comment']}\n\n| column | type | required | meaning |\n|---|---|---|---|"
        for row in own:
            required = "yes" if row["required"] else ""
            yield f"| `{row['column']}` | {row['type']} | {required} | {_cell(row['meaning'])} |"
        yield ""


def _rules() -> Iterator[str]:
    yield (
        "## How a value is chosen\n\nA lock decides first, then the rule of the field. Between equal numbers of sources this order"
        f" decides: {', '.join(SOURCE_ORDER)}, then all others. A copy of a source counts as that source.\n"
    )
    for kind, rules in fields.RULES.items():
        yield f"### Fields of an {kind}\n" if kind != "work" else "### Fields of a work\n"
        yield "| field | rule |\n|---|---|"
        for name, rule in rules.items():
            text = inspect.getdoc(rule) or "All entries of all sources, each once."
            yield f"| {name} | {_cell(' '.join(text.split()))} |"
        yield ""


def _scores() -> Iterator[str]:
    yield "## Completeness\n\nThe points of the fields that have a value.\n\n| kind | points |\n|---|---|"
    for kind, weights in WEIGHTS.items():
        yield f"| {kind} | {', '.join(f'{name} {points}' for name, points in weights.items())} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Rewrites the page."""
    with tempfile.TemporaryDirectory(prefix="alexandria-dictionary-") as folder:
        server = EmbeddedServer(Path(folder), durable=False)
        try:
            with Database(server.ensure()) as database:
                migrate(database)
                PAGE.write_text(dictionary(database), encoding="utf-8")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
