"""A Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from auditor.core.contents import require_content
from auditor.core.errors import UsageError
from auditor.corpora.arrow import BATCH_ROWS, batch_rows
from auditor.corpora.reader import RawRow, Reader
from auditor.corpora.streams import MAX_WHOLE_FILE_BYTES, has_suffix, is_gzip, read_whole


def _read(source: str) -> Iterator[RawRow]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = Path(source)
    require_content(path, "binary", where=source, may_be_empty=True)
    try:
        # Parquet is read from its end, so a gzipped file has to be in memory whole.
        buffer = pa.BufferReader(read_whole(path, source, MAX_WHOLE_FILE_BYTES)) if is_gzip(path) else None
        with pq.ParquetFile(path if buffer is None else buffer) as file:
            yield from batch_rows(file.iter_batches(batch_size=BATCH_ROWS), path.name, source)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(f"{source}: not a readable Parquet file ({error})", hint="Write or copy it again.") from None


READER = Reader(
    name="parquet",
    formats=".parquet (also .parquet.gz)",
    accepts=lambda source: has_suffix(source, ".parquet"),
    read=_read,
)
