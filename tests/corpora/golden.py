"""The verdicts that the files of the corpora must get. `python -m tests.corpora.golden` writes them anew."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from framework.core.plan import FileInput
from framework.core.source import FileSource
from framework.run.readers import Limits, judge_files
from framework.sources.judging import Verdict, format_of
from framework.storage import StorageLocation

CORPORA = Path(os.environ.get("SLUICE_CORPORA") or Path(__file__).parents[3] / "shared" / "corpora")
GOLDEN = Path(__file__).with_name("verdicts.json")
FOLDERS = {
    "JSONTestSuite/test_parsing": "json",
    "csv-spectrum/csvs": "csv",
    "parquet-testing/data": "parquet",
    "parquet-testing/bad_data": "parquet",
    "arrow-testing/data/parquet/fuzzing": "parquet",
    "arrow-testing/data/csv": "csv",
}
LIMITS = Limits(memory_mb=1024)
MOMENT = datetime(2024, 5, 1, tzinfo=UTC)


def inputs(folder: Path, kind: str) -> list[tuple[FileSource, FileInput]]:
    """All files below a folder that are of a kind, or whose name does not tell."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and path.suffix not in {".md", ".yaml"} and (format_of(name) or kind) == kind:
            source = FileSource(kind, (name,))  # type: ignore[arg-type]
            found.append((source, FileInput(MOMENT, name, path.stat().st_size)))
    return found


@cache
def judge(folder: Path, kind: str) -> dict[str, Verdict]:
    """Every file's verdict, by name."""
    return {v.path: v for v in judge_files(inputs(folder, kind), StorageLocation(str(folder)), LIMITS)}


def brief(verdicts: dict[str, Verdict]) -> dict[str, str]:
    """Outcome and counts, as they are kept."""
    return {name: f"{v.outcome} {v.rows} {v.quarantined}" for name, v in verdicts.items()}


if __name__ == "__main__":
    kept = {folder: brief(judge(CORPORA / folder, kind)) for folder, kind in FOLDERS.items()}
    GOLDEN.write_text(json.dumps(kept, indent=1, ensure_ascii=True, sort_keys=True) + "\n")
