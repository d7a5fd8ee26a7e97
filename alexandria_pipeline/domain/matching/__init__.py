"""Matching: whether an offered edition is the book asked for, and which listings are the same book. Pure."""
