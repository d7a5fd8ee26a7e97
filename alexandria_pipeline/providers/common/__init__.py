"""Helpers that several services share: wire fields, contributor names, search terms, language codes."""
