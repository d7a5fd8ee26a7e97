"""Open Library: declaration, client, wire models, parser and errors. Importing the package loads the declaration only."""

from alexandria_pipeline.providers.open_library.declaration import DECLARATION as DECLARATION
