"""Finds ISBNs that only a list states and that a service has under another book, which it has stated since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alexandria_pipeline.domain.matching.listed_isbns import Check, check_record
from alexandria_pipeline.storage import integrity
from alexandria_pipeline.storage.integrity import Counted

if TYPE_CHECKING:
    from alexandria_pipeline.storage.database import Connection

MAX_SAMPLE: Final = 10


def wrong_listed_isbns(tx: Connection) -> Counted:
    """The works with such an ISBN, of all works whose ISBN only a list states; the sample has key, ISBN, service and its title."""
    works, stated = integrity.stated_of_listed(tx)
    wrong = {
        each.work_key: f"{each.work_key} {each.record.isbn13}: {each.record.provider} has “{each.record.title}”"
        for each in stated
        if check_record(each.query, each.record)[0] is Check.CONTRADICTED
    }
    return Counted(len(wrong), works, tuple(wrong.values())[:MAX_SAMPLE])
