"""Dagster: partitions, assets, checks, resources, jobs, schedules, sensors. No rules, no SQL, no URLs."""
