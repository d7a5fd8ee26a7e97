"""Parquet, by pyarrow (extra `parquet`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from alexandria_pipeline.domain.errors import InvalidValue
from alexandria_pipeline.operations.export.columns import COLUMNS, Row, flat

if TYPE_CHECKING:
    from pathlib import Path

ROWS_PER_GROUP: Final = 10_000


class ParquetWriter:
    """Writes groups of rows, so that the memory stays bounded."""

    def __init__(self, file: Path) -> None:
        try:
            import pyarrow as pa  # noqa: PLC0415 - an optional extra
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError as error:
            raise InvalidValue("Parquet needs the extra parquet: pip install 'alexandria-pipeline[parquet]'") from error
        types = {"string": pa.string(), "integer": pa.int32(), "number": pa.float64(), "boolean": pa.bool_()}
        fields = [pa.field(name, types[kind], metadata={"description": text}) for name, (kind, text) in COLUMNS.items()]
        self._schema: Any = pa.schema(fields)
        self._table = pa.Table
        self._target: Any = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[Row] = []

    def add(self, row: Row) -> bool:
        """Writes a row; every row has a place."""
        self._rows.append(flat(row))
        if len(self._rows) >= ROWS_PER_GROUP:
            self._flush()
        return True

    def close(self) -> None:
        """Writes the last group and closes the file."""
        self._flush()
        self._target.close()

    def _flush(self) -> None:
        if self._rows:
            self._target.write_table(self._table.from_pylist(self._rows, schema=self._schema))
            self._rows = []
