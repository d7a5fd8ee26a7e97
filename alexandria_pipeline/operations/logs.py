"""The lines of a log: text or JSON, with time and level."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Literal

TEXT = "%(asctime)s %(levelname)s %(message)s"


class JsonFormatter(logging.Formatter):
    """A message as a line of JSON: time (UTC, ISO 8601), level, logger, message, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(self.fields(record), ensure_ascii=False)

    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        """The fields of the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return line


def handler(log_format: Literal["text", "json"]) -> logging.Handler:
    """A handler that writes such lines to standard error."""
    made = logging.StreamHandler()
    made.setFormatter(JsonFormatter() if log_format == "json" else logging.Formatter(TEXT))
    return made
