"""`dagster asset materialize` as `alexandria run` starts it: without the hint at another command, and with the log format of the settings."""

import logging
import sys
import warnings

import click
from dagster._cli.asset import asset_materialize_command

from alexandria_pipeline.orchestration import process_log
from alexandria_pipeline.settings import load_settings


def main() -> None:
    """Runs the command with the arguments of this process. Exit status 1 if the run fails."""
    warnings.filterwarnings("ignore", message=".* is superseded ")
    settings = load_settings()
    process_log.configure(settings)
    log = logging.getLogger(process_log.NAME)
    try:
        asset_materialize_command.main(sys.argv[1:], "dagster asset materialize", standalone_mode=False)
    except click.ClickException as error:
        if settings.log_format == "json":
            log.log(logging.ERROR, "%s", error.format_message())
        else:
            error.show()
        raise SystemExit(1) from None
    except Exception:
        if settings.log_format != "json":
            raise
        log.exception("the run could not be started or ended")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
