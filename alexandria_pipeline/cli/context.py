"""Opens what a command needs: settings, log, and the database or the whole pipeline."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from alexandria_pipeline import composition
from alexandria_pipeline.settings import Settings, load_settings
from alexandria_pipeline.storage.database import Database


@contextmanager
def opened_database() -> Iterator[tuple[Settings, Database]]:
    settings = _settings()
    with composition.opened_database(settings) as database:
        yield composition.with_plans(settings, database), database


@contextmanager
def opened_pipeline() -> Iterator[tuple[Settings, composition.Pipeline]]:
    settings = _settings()
    with composition.opened_pipeline(settings) as pipeline:
        yield composition.with_plans(settings, pipeline.database), pipeline


def _settings() -> Settings:
    settings = load_settings()
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
    return settings
