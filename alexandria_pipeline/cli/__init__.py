"""The `alexandria` command: one file a topic, `context` for what a command opens, `output` for how it prints."""
