"""Imports dumps of Open Library into the local catalogue: `importer` reads and distributes, `worker` parses and stores.

`lines` turns lines into rows, `reader` turns files into blocks of lines. The tables belong to `storage.catalog_import`.
"""
