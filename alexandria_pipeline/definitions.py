"""Composition root of the Dagster project: reads the environment once and builds everything from it."""

from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.settings import load_settings

defs = build_definitions(load_settings())
