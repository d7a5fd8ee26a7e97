"""The `alexandria` command: one file per topic; `context` opens settings and database, `output` prints."""

import gc

# A command makes objects that stay, mostly modules: looking for garbage among them takes a tenth of its time.
gc.set_threshold(50_000, 20, 100)
