"""PostgreSQL: the only place that knows SQL. Records go in, records come out."""
