"""ISBNdb: client, wire models, parser and errors."""
