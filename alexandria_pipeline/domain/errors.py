"""All exceptions that cross a module boundary of this package.

    AlexandriaError
    ├── SettingsError            a setting is missing or wrong; names all of them
    ├── InvalidValue             a value is not valid
    ├── SourceError              a list, catalogue or service cannot be read
    │   └── ListFormatError      a tab-separated file as a whole is unusable
    ├── StorageError             the database refused a statement or is not reachable
    │   ├── DatabaseUnavailable  no server answers; retrying later may help
    │   ├── SchemaOutdated       tables are older (or newer) than this code
    │   └── EmbeddedServerError  the local server could not be started or stopped
    ├── BooksWait                books of a month wait for something that we must correct
    ├── MonthOwned               another run owns the month
    ├── OwnershipLost            this run lost the claim on its month
    └── GenerationFailed         no generator returned a usable list for the month

Expected outcomes (not found, quota used up, rejected candidate) are values of `domain/service_answers.py`.
"""


class AlexandriaError(Exception):
    """The base of all errors; the message states what happened and what to do."""


class SettingsError(AlexandriaError):
    """One or more settings are missing or wrong."""


class InvalidValue(AlexandriaError, ValueError):
    """A value is not valid."""


class SourceError(AlexandriaError):
    """A list, a catalogue or a service cannot be read."""


class ListFormatError(SourceError):
    """A tab-separated file as a whole is unusable: empty, without its columns, or not text."""


class StorageError(AlexandriaError):
    """The database refused a statement."""


class DatabaseUnavailable(StorageError):
    """No database server answers."""


class SchemaOutdated(StorageError):
    """The tables do not fit this version of the code."""


class EmbeddedServerError(StorageError):
    """The local PostgreSQL server could not be started, stopped or inspected."""


class BooksWait(AlexandriaError):
    """Books of a month wait for something on our side: our database, or a key. The month is not complete."""


class MonthOwned(AlexandriaError):
    """Another run owns the month."""


class OwnershipLost(AlexandriaError):
    """This run lost the claim on its month."""


class GenerationFailed(AlexandriaError):
    """No generator returned a usable list for the month."""
