"""Open Library: client, wire models, parser and errors."""
