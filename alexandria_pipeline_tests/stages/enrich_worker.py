"""Enriches months in a process of its own, which can be killed: `python -m alexandria_pipeline_tests.stages.enrich_worker RUN_ID MONTH …`."""

from __future__ import annotations

import subprocess
import sys

from alexandria_pipeline.composition import opened_pipeline
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.settings import load_settings


def start(run_id: str, *months: Month) -> subprocess.Popen[str]:
    """Starts a process with the environment of this one."""
    command = [sys.executable, "-m", __name__, run_id, *map(str, months)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


if __name__ == "__main__":
    with opened_pipeline(load_settings()) as pipeline:
        pipeline.enrich([Month.parse(text) for text in sys.argv[2:]], sys.argv[1])
