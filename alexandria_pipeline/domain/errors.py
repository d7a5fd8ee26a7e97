"""Every exception that leaves a room of this package.

    AlexandriaError
    ├── SettingsError            a setting is missing or wrong; names all of them
    ├── InvalidValue             a value cannot be what it claims to be
    ├── SourceError              a list, catalogue or service cannot be read
    │   └── ListFormatError      a tab-separated file as a whole is unusable
    ├── StorageError             the database said no, or could not be reached
    │   ├── DatabaseUnavailable  no server answers; retrying later may help
    │   ├── SchemaOutdated       tables are older (or newer) than this code
    │   └── EmbeddedServerError  the local server could not be started or stopped
    ├── MonthOwned               another run is working on the month
    ├── OwnershipLost            this run no longer owns a month that it was working on
    └── GenerationFailed         no generator gave a usable list for the month

Expected outcomes (nothing found, quota used up, refused candidate) are values of `domain.outcomes`, not exceptions.
"""


class AlexandriaError(Exception):
    """Something this package can explain; the message says what happened and what to do."""


class SettingsError(AlexandriaError):
    """One or more settings are missing or wrong."""


class InvalidValue(AlexandriaError, ValueError):
    """A value cannot be what it claims to be."""


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


class MonthOwned(AlexandriaError):
    """Another run is working on the month."""


class OwnershipLost(AlexandriaError):
    """This run no longer owns the month it was working on."""


class GenerationFailed(AlexandriaError):
    """No generator gave a usable list for the month."""
