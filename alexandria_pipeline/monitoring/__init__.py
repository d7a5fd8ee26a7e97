"""The monitoring app over HTTP: JSON and metrics for programs, one page for people, two endpoints that schedule months.

Reads `storage`, decides nothing; knows neither Dagster nor a service. `app.py` is the way in, `cli.py` starts it.
"""
