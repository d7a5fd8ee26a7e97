"""Wikidata: declaration, client, wire models, parser and errors. Importing the package loads the declaration only."""

from alexandria_pipeline.providers.wikidata.declaration import DECLARATION as DECLARATION
