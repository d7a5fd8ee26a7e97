"""A small real list and catalogue for a first run: the facts, and in ATTRIBUTION.md where they came from."""

from importlib.resources import files
from pathlib import Path

LIST = "monthly_list.tsv"
CATALOGUE = "catalogue.tsv"


def path(name: str) -> Path:
    """Where a sample file lies; the package is installed as files, never zipped."""
    return Path(str(files(__name__) / name))
