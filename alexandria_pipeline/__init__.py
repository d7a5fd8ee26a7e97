"""Alexandria: fills the gaps of a book database, month by month.

A month of books flows one way, **listed → persisted → resolved → enriched**; every step commits to PostgreSQL before
the next one reads, so that any step can be run again, alone, on any machine, after any crash.

    definitions, cli ─► orchestration ─► composition ─► stages ─► providers │ storage ─► domain
    (entry points)      (Dagster only)   (wiring)       (verbs)   (services)  (SQL)      (pure)

The commands of one topic are a `cli_<topic>` below `cli`; what they share is `cli_opening` and `cli_tables`.
`monitoring` (HTTP) stands beside `orchestration` and knows storage and domain only.
An arrow means "may import"; nothing points back. `settings` may be read by the composition and the entry points only.
"""
