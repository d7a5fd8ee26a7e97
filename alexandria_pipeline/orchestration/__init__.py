"""Dagster: partitions, assets, checks, resources, jobs, schedules, sensors. No rules, no SQL, no URLs."""

import gc
import warnings

# Before Dagster is imported: its modules and events are objects that stay. Looking for garbage among them takes a tenth of a run.
gc.set_threshold(50_000, 20, 100)

from dagster import BetaWarning, PreviewWarning  # noqa: E402

# Dagster repeats these at each load, about 25 lines. The features in use are in docs/decisions/0009-what-of-dagster-is-used.md.
for _category in (BetaWarning, PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)
