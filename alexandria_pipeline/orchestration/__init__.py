"""Everything that knows Dagster: partitions, assets, checks, resources, jobs. No rules, no SQL text, no URLs."""
