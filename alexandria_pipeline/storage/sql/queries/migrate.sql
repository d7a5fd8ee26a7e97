-- The register of applied migrations. Read and written by storage/migrate.py only.

-- name: lock
-- One process at a time migrates; freed at the end of the transaction. The number is arbitrary but fixed.
SELECT pg_advisory_xact_lock(4148102019);

-- name: has_register
-- Whether the register exists: without it, the database has never been migrated.
SELECT to_regclass('schema_migration') IS NOT NULL AS present;

-- name: create_register
-- The register itself; it is there before the first migration.
CREATE TABLE IF NOT EXISTS schema_migration (
    version integer PRIMARY KEY CHECK (version > 0),
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- name: applied
-- What has been applied, in order.
SELECT version, name, checksum FROM schema_migration ORDER BY version;

-- name: record
-- Remember that a migration was applied, in the transaction that applied it.
INSERT INTO schema_migration (version, name, checksum) VALUES (%(version)s, %(name)s, %(checksum)s);
