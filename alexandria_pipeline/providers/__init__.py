"""Providers: the services and the local sources that list books, find editions or describe them.

A provider turns responses into domain records and makes no decisions about books. Every service has a package with the same
files: `declaration` (fixed facts), `client` (the calls), `models` (wire models), `parser` (models to domain records) and
`errors` (the error table); `queries` and others if a service needs them. `transport` makes the HTTP calls, `common` has what
services share, `base` defines a provider, and `registry` lists them all.
"""
