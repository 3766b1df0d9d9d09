"""Parquet pages, all of them read, and held against their checksums where the file has any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.core.plan import FileInput
    from framework.storage import StorageLocation

BATCH = 65_536


def damaged_pages(location: StorageLocation, file: FileInput, columns: Sequence[str]) -> str:
    """Say what is wrong with the pages of some columns; empty when they can be read and agree with their checksums.

    Reads all of them. NOTE: Polars (2.1) does not look at the checksums.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with location.filesystem().open(location.uri(file.path), "rb") as opened:
            parquet = pq.ParquetFile(opened, page_checksum_verification=True)
            rows = sum(batch.num_rows for batch in parquet.iter_batches(BATCH, columns=list(columns)))
            promised = parquet.metadata.num_rows
    except NotImplementedError:  # Polars may know how to read it; what it cannot read it refuses
        return ""
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # storage speaks in error numbers, Parquet does not
            raise
        return f"damaged Parquet pages: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return "" if rows == promised else f"damaged Parquet file: {rows} rows, its footer says {promised}"
