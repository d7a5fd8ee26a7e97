"""Pages of the library for people: search, months, works and authors. Rendered on the server, read only.

They load no other file and no picture from another host. A small script searches while one types; without it, the form does.
"""
