"""New York Times: declaration, client, wire models, parser and errors. Importing the package loads the declaration only."""

from alexandria_pipeline.providers.nyt.declaration import DECLARATION as DECLARATION
