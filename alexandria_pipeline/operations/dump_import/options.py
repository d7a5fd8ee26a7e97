"""What a person chooses to import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """`languages`: ISO 639-1 codes of the editions to keep, "und" for those that name none; empty: all. `since`: first year."""

    languages: frozenset[str] = frozenset()
    since: int | None = None

    @property
    def is_choice(self) -> bool:
        """Whether any editions are left out."""
        return bool(self.languages) or self.since is not None

    @property
    def signature(self) -> str:
        """The same text for the same choice; an import resumes only with the same one."""
        return f"languages={','.join(sorted(self.languages))} since={self.since or ''}"


EVERYTHING: Final = ImportOptions()
