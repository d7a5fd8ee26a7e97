"""The log of Dagster's processes: of our own messages outside of runs (sensors, schedules, the start of a run), and of runs as JSON.

Dagster sets up its own loggers only. A message of ours would be printed without time and level, or not at all. The output of a run has
the format of a logger in the configuration of that run; without one, that of `default_system_loggers`, which is replaced here for JSON.
"""

import logging
import sys
from collections.abc import Mapping, Sequence

import dagster as dg
from dagster._core.execution import context_creation_job, host_mode
from dagster._core.utils import coerce_valid_log_level

from alexandria_pipeline.operations.logs import JsonFormatter, handler
from alexandria_pipeline.settings import Settings

NAME = "alexandria_pipeline"


def configure(settings: Settings) -> None:
    """Writes our messages to standard error, in the format and from the level of the settings. May be called again."""
    if settings.log_format == "json":
        for module in (context_creation_job, host_mode):
            if "default_system_loggers" not in vars(module):
                raise RuntimeError("this version of Dagster needs another way to write the log of a run as JSON")
            vars(module)["default_system_loggers"] = _loggers_of_runs
        _write_warnings_as_json()
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


def _loggers_of_runs(instance: dg.DagsterInstance | None) -> Sequence[tuple[dg.LoggerDefinition, Mapping[str, object]]]:
    level = (instance.python_log_level if instance else None) or "DEBUG"
    return [(json_log_of_a_run, {"log_level": level})]


@dg.logger({"log_level": dg.Field(str, default_value="INFO")})
def json_log_of_a_run(context: dg.InitLoggerContext) -> logging.Logger:
    """Each message of a run as a line of JSON, with run, job and step."""
    logger = logging.getLoggerClass()("dagster", coerce_valid_log_level(context.logger_config["log_level"]))
    written = logging.StreamHandler(sys.stderr)
    written.setFormatter(_RunFormatter())
    logger.addHandler(written)
    return logger


class _RunFormatter(JsonFormatter):
    def fields(self, record: logging.LogRecord) -> dict[str, str]:
        line = super().fields(record)
        about = getattr(record, "dagster_meta", None)
        if about:
            named = {"run": about["run_id"], "job": about["job_name"], "step": about["step_key"]}
            line |= {name: value for name, value in named.items() if value}
            line["message"] = about["orig_message"]
            event = about["dagster_event"]
            error = getattr(event.event_specific_data, "error", None) if event else None
            if error is not None:
                line["error"] = error.to_string()
        return line


def _write_warnings_as_json() -> None:
    logging.captureWarnings(capture=True)
    logger = logging.getLogger("py.warnings")
    if not logger.handlers:
        logger.addHandler(handler("json"))
