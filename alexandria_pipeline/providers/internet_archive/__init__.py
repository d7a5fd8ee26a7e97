"""Internet Archive: client, wire models, parser and errors."""
