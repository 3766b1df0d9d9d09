"""`sluice quarantine`: what was not accepted, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.cli.frames import parsed_raw
from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, plural, show
from framework.errors import AuthorError, ConfigurationError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from framework.boundary import Contract
    from framework.storage import StorageLocation

REASON_WIDTH = 100


def quarantine_list(pipeline: str | None = None) -> int:
    """Count what is in quarantine by source, state and reason. A row counts once for each of its reasons.

    Args:
        pipeline: One pipeline, or a domain such as `retail`. Default: all.
    """
    from framework.lake.quarantine import summarise

    lake = _lake()
    counted = [row for name in _known(lake, pipeline) for row in summarise(lake, name)]
    names = ("pipeline", "source", "state", "rows", "files", "reason")
    show({"quarantine": counted}, lambda: columns(counted, names, empty="nothing is in quarantine"))
    if counted:
        hint(f"next: sluice quarantine show {counted[0]['pipeline']}")
    return Exit.OK


def quarantine_show(
    pipeline: str,
    *,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    limit: int = 20,
    reveal: bool = False,
) -> int:
    """Show quarantined rows with their reasons, raw values, file and line. Values of sensitive columns are masked.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        source: Only rows of this source.
        reason: Only rows one of whose reasons contains this text.
        state: `open`, `waiting`, `released` or `superseded`.
        limit: How many rows.
        reveal: Show values of sensitive columns as they were read.
    """
    from framework.lake.quarantine import rows
    from framework.run.masking import mask_row

    lake = _lake()
    held = _known(lake, pipeline)
    if len(held) > 1:
        raise SelectionError(f"'{pipeline}' is several pipelines, name one of them: {', '.join(held)}")
    name = held[0] if held else pipeline
    kept = rows(lake, name, source=source, reason=reason, state=state, limit=limit)
    found = [parsed_raw(row) for row in kept.to_dicts()]
    if not reveal:
        schemas = _schemas(name)
        found = [mask_row(row, schemas) for row in found]
    show({"pipeline": name, "rows": found}, lambda: _lines(found))
    return Exit.OK


def _schemas(pipeline: str) -> Mapping[str, Contract]:
    """The contracts of a pipeline's sources. Broken definitions must not stand between people and their data."""
    from framework.definition.load import load_pipelines
    from framework.run.masking import schemas_of

    try:
        return schemas_of(load_pipelines(settings()).get(pipeline))
    except (AuthorError, ConfigurationError) as error:
        hint(f"all values are masked, as the definitions cannot be read; --reveal shows them: {error}")
        return {}


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "no such rows"
    for row in rows:
        where = row["file"] + (f":{row['line']}" if row["line"] is not None else "")
        yield f"{where}  {row['source']}, {row['state']}, run {row['run_id']}"
        for reason in row["reasons"]:
            yield f"    {reason}"
        raw = row["raw"]
        if isinstance(raw, dict):
            yield "    " + ", ".join(f"{name}={value!r}" for name, value in raw.items())
        elif raw:
            yield f"    {raw}"
    if rows:
        yield plural(len(rows), "row")


def _known(lake: StorageLocation, name: str | None) -> list[str]:
    """The pipelines with a quarantine that a name stands for.

    Raises:
        SelectionError: when it is the name of none, and of no pipeline of the project either.
    """
    from framework.definition.load import load_pipelines, select
    from framework.lake.quarantine import pipelines

    held = pipelines(lake)
    if name is None:
        return held
    matching = [p for p in held if p == name or p.startswith(f"{name}.")]
    if matching:
        return matching
    defined = load_pipelines(settings())
    if not any(p == name or p.startswith(f"{name}.") for p in defined):
        raise SelectionError(
            f"no pipeline is called '{name}'; {did_you_mean(name, {*defined, *held}) or 'there are none'}"
        )
    return [p.name for p in select(defined, [name]) if p.name in held]


def _lake() -> StorageLocation:
    from framework.run.workspace import open_workspace

    return open_workspace(settings()).lake
