"""xAI: client, wire models, parser and errors."""
