"""The local catalogue: declaration and client. Importing the package loads the declaration only."""

from alexandria_pipeline.providers.local_catalog.declaration import DECLARATION as DECLARATION
