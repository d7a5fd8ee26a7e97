"""What the pipeline says about itself over HTTP: figures for programs, one page for people, and two ways to make months due.

Reads `storage`, decides nothing; knows neither Dagster nor a service. `app.py` is the way in, `cli.py` starts it.
"""
