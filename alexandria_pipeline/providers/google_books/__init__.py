"""Google Books: client, wire models, parser and errors."""
