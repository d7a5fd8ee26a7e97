"""Alexandria: fills a book database month by month. This docstring is the map of the package.

A month of books is listed, stored as works, and resolved to ISBNs. Every step commits to PostgreSQL before the next one
reads. So each step can be run again, alone, on any machine, after any crash.

    definitions, cli      entry points; only they read the environment
    orchestration         Dagster: assets, checks, sensors, schedules
    monitoring            HTTP: page, metrics, API; knows storage and domain only
    composition           builds all objects from the settings
    settings              environment variables
    operations            what a person or a sensor asks for: review, report, rollout, alerts, recovery
    stages                the steps of a month: generate, persist, resolve; enhance works across months
    providers             one package per service, and the HTTP transport
    storage               SQL, transactions, locks, the local database server
    domain                pure rules: text, matching, generation, rollout
    sample                a list and a catalogue that need no network

A package imports only packages below it; import-linter checks this in `make check`. docs/architecture.md shows the way of
one book and of one call. docs/glossary.md explains the terms.
"""
