"""The read API under /api/v1: works, editions, authors and months as JSON or JSON-LD. It changes nothing and needs no secret."""
