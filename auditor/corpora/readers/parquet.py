"""A Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from auditor.core.errors import UsageError
from auditor.corpora.arrow import BATCH_ROWS, batch_rows
from auditor.corpora.reader import RawRow, ReadOptions, file_reader
from auditor.corpora.streams import MAX_WHOLE_FILE_BYTES, DataFile, open_bytes, read_whole


def _read(file: DataFile, options: ReadOptions) -> Iterator[RawRow]:
    import pyarrow as pa

    try:
        if file.path is None or file.gzipped:
            # Parquet is read from its end, so a compressed file has to be in memory whole.
            yield from _rows(pa.BufferReader(read_whole(file, MAX_WHOLE_FILE_BYTES, "binary")), file)
            return
        with open_bytes(file, "binary"):
            yield from _rows(file.path, file)
    except PermissionError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"{file.where}: not a readable Parquet file ({error})", hint="Write or copy it again."
        ) from None


def _rows(opened: Any, file: DataFile) -> Iterator[RawRow]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(opened) as table:
        yield from batch_rows(table.iter_batches(batch_size=BATCH_ROWS), file.name, file.where)


READER = file_reader("parquet", ".parquet (also .parquet.gz)", (".parquet",), _read)
