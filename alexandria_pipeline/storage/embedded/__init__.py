"""A local PostgreSQL server for machines that have none: binaries, cluster, processes, lifecycle."""
