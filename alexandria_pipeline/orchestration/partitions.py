"""The months as Dagster partitions: `2000-01` to the last finished month."""

from collections.abc import Iterable
from datetime import timedelta

import dagster as dg

from alexandria_pipeline.domain.month import FIRST_YEAR, Month

FIRST_MONTH = f"{FIRST_YEAR}-01"

months = dg.MonthlyPartitionsDefinition(start_date=FIRST_MONTH, fmt="%Y-%m")

# `--partition-range` needs one run for many months on every asset; a repeated run skips finished work.
one_run = dg.BackfillPolicy.single_run()


# A daily asset is late when a day was left out. An hour is left for the run itself.
daily = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=25), fail_window=timedelta(hours=49))


def as_months(keys: Iterable[str]) -> list[Month]:
    return [Month.parse(key) for key in keys]
