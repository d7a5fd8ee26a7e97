"""Wikidata: client, wire models, parser and errors."""
