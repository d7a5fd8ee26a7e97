"""Dagster: partitions, assets, checks, resources, jobs, schedules, sensors. No rules, no SQL, no URLs."""

import warnings

from dagster import BetaWarning, PreviewWarning

# Dagster repeats these at each load, about 25 lines. The features in use are in docs/decisions/0009-what-of-dagster-is-used.md.
for _category in (BetaWarning, PreviewWarning):
    warnings.filterwarnings("ignore", category=_category)
