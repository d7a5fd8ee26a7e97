"""Book lists of AI services: prompts, response schema, and reading of replies. Pure."""
