"""Outside services; each turns its service's answers into domain records and decides nothing.

A service's client is `<service>.py`. Where that is too much for one file, `<service>_wire` has its errors and wire
models, and further rooms of the same first name what else it takes: queries, records, what is made of answers.
What all clients share is `contract`, `fields`, `credits` and `queries`; `http` and what it names is the transport.
"""
