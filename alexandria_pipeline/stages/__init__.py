"""The verbs of the pipeline, one per file: generate, persist, resolve. They know providers, storage and domain, not Dagster."""
