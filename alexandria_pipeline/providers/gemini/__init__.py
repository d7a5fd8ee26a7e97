"""Gemini: client, wire models, parser and errors."""
