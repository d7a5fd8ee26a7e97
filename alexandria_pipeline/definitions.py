"""The entry point of Dagster: loading it reads the environment once and builds everything from it."""

from alexandria_pipeline.orchestration import process_log
from alexandria_pipeline.orchestration.build import build_definitions
from alexandria_pipeline.settings import load_settings

settings = load_settings()
process_log.configure(settings)
defs = build_definitions(settings)
