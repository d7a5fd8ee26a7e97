"""The entry point of Dagster: loading it reads the environment once and builds everything from it."""

from alexandria_pipeline.orchestration.build import build_definitions

defs = build_definitions()
