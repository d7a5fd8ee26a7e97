"""The `alexandria` command: one file per topic; `context` opens settings and database, `output` prints."""
