"""Parquet pages, all of them read, and held against their checksums where the file has any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from framework.core.plan import FileInput
    from framework.storage import StorageLocation

BATCH = 65_536


def damaged_pages(location: StorageLocation, file: FileInput) -> str:
    """Say what is wrong with a file's pages; empty when they can be read and agree with their checksums.

    Reads the whole file. NOTE: Polars (2.1) does not look at the checksums.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with location.filesystem().open(location.uri(file.path), "rb") as opened:
            parquet = pq.ParquetFile(opened, page_checksum_verification=True)
            rows = sum(batch.num_rows for batch in parquet.iter_batches(BATCH))
            promised = parquet.metadata.num_rows
    except NotImplementedError:  # Polars may know how to read it; what it cannot read it refuses
        return ""
    except (pa.ArrowException, OSError) as error:
        return f"damaged Parquet pages: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return "" if rows == promised else f"damaged Parquet file: {rows} rows, its footer says {promised}"
