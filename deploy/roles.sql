-- Least rights: an owner that migrates, a writer for the processes, a reader for people. Run it once as a superuser:
--   psql -v owner_password=… -v writer_password=… -v reader_password=… -f deploy/roles.sql
-- Then migrate with the owner (alexandria db migrate) and run the processes with the writer.
\set ON_ERROR_STOP on
create role alexandria_owner login password :'owner_password';
create role alexandria_writer login password :'writer_password';
create role alexandria_reader login password :'reader_password';
create database alexandria owner alexandria_owner;
\connect alexandria
create extension if not exists pg_trgm;
revoke all on database alexandria from public;
grant connect, temporary on database alexandria to alexandria_writer, alexandria_reader;
revoke create on schema public from public;
grant usage, create on schema public to alexandria_owner;
grant usage on schema public to alexandria_writer, alexandria_reader;
alter default privileges for role alexandria_owner in schema public
    grant select, insert, update, delete on tables to alexandria_writer;
alter default privileges for role alexandria_owner in schema public
    grant usage, select on sequences to alexandria_writer;
alter default privileges for role alexandria_owner in schema public grant select on tables to alexandria_reader;
-- Dagster creates its own tables at its first start, so the writer has a schema of its own for them.
create schema dagster authorization alexandria_writer;
alter role alexandria_writer set search_path = dagster, public;
-- Each process sets these itself. Behind PgBouncer it cannot (docs/operating.md), and the role does.
alter role alexandria_writer set timezone = 'UTC';
alter role alexandria_writer set statement_timeout = '60s';
