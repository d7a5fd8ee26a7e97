"""Text rules: normalisation, numerals, titles, person names and spelling. Pure functions on strings."""
