"""The log of a command: one line of text or of JSON for each message, with time and level, on standard error."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from alexandria_pipeline.operations.logs import handler

if TYPE_CHECKING:
    from alexandria_pipeline.settings import Settings


def configure(settings: Settings) -> None:
    """Sets level and format of the log of this process; without effect if it has handlers already."""
    logging.basicConfig(level=settings.log_level, handlers=[handler(settings.log_format)])
