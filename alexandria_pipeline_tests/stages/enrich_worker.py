"""Enriches months in a process of its own, which can be killed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alexandria_pipeline.composition import opened_pipeline
from alexandria_pipeline.settings import load_settings

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from alexandria_pipeline.domain.month import Month


def enrich(_: Connection, environment: dict[str, str], run_id: str, *months: Month) -> None:
    """Enriches the months as a run of that name, with this environment."""
    os.environ.clear()
    os.environ.update(environment)
    with opened_pipeline(load_settings()) as pipeline:
        pipeline.enrich(list(months), run_id)
