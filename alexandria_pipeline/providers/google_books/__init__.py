"""Google Books: declaration, client, wire models, parser and errors. Importing the package loads the declaration only."""

from alexandria_pipeline.providers.google_books.declaration import DECLARATION as DECLARATION
