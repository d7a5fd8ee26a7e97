"""Book lists of AI services: prompts, response schema, and parsing of replies. Pure."""
