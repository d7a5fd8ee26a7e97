"""Merging: which value of a field is served, from the claims of several sources. Pure functions; no database, no clock.

`claims` has the records, `extraction` turns the records of services into claims, `hints` what decides between equally many
sources, `rules` has one function per rule, `fields`
is the table of fields, `merge` applies it, `scores` rates the result, and `identity` decides what is one author.
"""
