"""The curated list: declaration and client. Importing the package loads the declaration only."""

from alexandria_pipeline.providers.curated_list.declaration import DECLARATION as DECLARATION
