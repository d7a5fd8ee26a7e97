"""Wikipedia: client, wire models, parser and errors."""
