"""Exports of works and their editions to files that other programs read.

The same data give the same bytes: rows are ordered by work key, columns have a fixed order, and no file names the time of the
export. `exporter` is the way in; `columns` defines the columns; `terms` leaves out what may not be passed on; each format has a writer.
"""
