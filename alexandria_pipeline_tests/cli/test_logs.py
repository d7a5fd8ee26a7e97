"""The log of a command as JSON."""

from __future__ import annotations

import json
import logging
import sys

from alexandria_pipeline.operations.logs import JsonFormatter


def test_a_message_is_a_line_of_json() -> None:
    record = logging.LogRecord("alexandria_pipeline.x", logging.WARNING, "x.py", 1, 'a "b"\n%s', ("ü",), None)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found = json.loads(line)
    assert (found["level"], found["logger"], found["message"]) == ("WARNING", "alexandria_pipeline.x", 'a "b"\nü')
    assert found["time"].endswith("+00:00")


def test_an_error_has_its_traceback() -> None:
    try:
        int("bad")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())
    assert "ValueError: invalid literal" in json.loads(JsonFormatter().format(record))["error"]
