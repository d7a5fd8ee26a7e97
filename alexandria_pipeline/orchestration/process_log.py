"""The log of our own messages in Dagster's processes, outside of runs: sensors, schedules, and the start of a run.

Dagster sets up its own loggers only. A message of ours would be printed without time and level, or not at all.
"""

import logging

from alexandria_pipeline.operations.logs import handler
from alexandria_pipeline.settings import Settings

NAME = "alexandria_pipeline"


def configure(settings: Settings) -> None:
    """Writes our messages to standard error, in the format and from the level of the settings. May be called again."""
    logger = logging.getLogger(NAME)
    if any(isinstance(each, _OutsideOfRuns) for each in logger.handlers) or logging.getLogger().handlers:
        return
    logger.addHandler(_OutsideOfRuns(settings))
    logger.setLevel(settings.log_level)


class _OutsideOfRuns(logging.Handler):
    """In a run, Dagster has a handler of its own on this logger (`python_logs` in dagster.yaml), which writes the message."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._handler = handler(settings.log_format)

    def emit(self, record: logging.LogRecord) -> None:
        if len(logging.getLogger(NAME).handlers) == 1:
            self._handler.handle(record)
