"""Lazy plans and expressions as plain data, with Python functions by what they do. The one adapter to Polars' JSON.

Polars writes a plan as JSON with all its literals. A Python function in it is handed to `pickle.dumps`; meanwhile that
gives the hash of what the function does, so nothing is pickled. Written for Polars 2.1, whose JSON of plans is
deprecated and not stable between versions: the version is recorded beside every fingerprint.
"""

from __future__ import annotations

import io
import json
import pickle
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl
from polars.io.plugins import register_io_source

from framework.run.fingerprints.forms import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

Form = Callable[[Any], Any]
MARK = b"sluice:"
INPUT = b"input:"
PYTHON_VERSION = 3
"""Bytes before what was pickled: how, and by which version of Python."""
IPC = [255, 255, 255, 255]
_LOCK = threading.RLock()


class StandIn:
    """A source without rows that stands for an input of a step, and is recognised in its plan."""

    def __init__(self, name: str, schema: pl.Schema) -> None:
        """`name`: the input; `schema`: its columns."""
        self.name = name
        self.schema = schema

    def frame(self) -> pl.LazyFrame:
        """The input, lazy."""
        return register_io_source(self, schema=self.schema, is_pure=True, explain_name=f"INPUT {self.name}")

    def __call__(self, *_asked: Any) -> Iterator[pl.DataFrame]:
        """Give no rows, for a step that looks at them while its plan is built."""
        yield pl.DataFrame(schema=self.schema)


def plan_form(frame: pl.LazyFrame, form: Form) -> Any:
    """A plan as plain data. `form` gives the form of the Python functions in it.

    Raises:
        DefinitionError: when a value that a Python function in it has captured cannot be told apart from others.
    """
    return _settled(_written(frame._ldf.serialize_json, form))  # noqa: SLF001 - the public way warns that it is deprecated


def expression_form(expression: pl.Expr, form: Form) -> Any:
    """An expression as plain data; see `plan_form`."""
    return _settled(_written(expression._pyexpr.serialize_json, form))  # noqa: SLF001 - as for plans


def _written(write: Callable[[Any], None], form: Form) -> Any:
    file = io.BytesIO()
    failed: list[Exception] = []
    with _describing_python(form, failed):
        try:
            write(file)
        except Exception as error:
            raise (failed[0] if failed else error) from error
    return json.loads(file.getvalue())


@contextmanager
def _describing_python(form: Form, failed: list[Exception]) -> Iterator[None]:
    """Have Polars write the hash of what a Python function does in place of the function, in this thread."""
    own, pickled = threading.get_ident(), pickle.dumps

    def describe(value: Any, *arguments: Any, **options: Any) -> bytes:
        if threading.get_ident() != own:
            return pickled(value, *arguments, **options)
        standing = getattr(value, "io_source", None)
        if isinstance(standing, StandIn):
            return MARK + INPUT + standing.name.encode()
        try:
            return MARK + digest(form(value)).encode()
        except Exception as error:
            failed.append(error)
            raise

    with _LOCK:
        pickle.dumps = describe  # type: ignore[assignment]
        try:
            yield
        finally:
            pickle.dumps = pickled


def _settled(form: Any) -> Any:
    """A plan or expression without what differs between equal ones: ids, versions, orders of sets and dicts."""
    if isinstance(form, list):
        return _bytes(form) if form and all(isinstance(one, int) for one in form) else [_settled(one) for one in form]
    if not isinstance(form, dict):
        return form
    if set(form) == {"IR"}:
        return _settled(form["IR"]["dsl"])
    if set(form) == {"Cache"}:
        return _settled(form["Cache"]["input"])
    if set(form) == {"Function"} and (looked := _look_up(form["Function"])) is not None:
        return looked
    return {key: _settled(value) for key, value in form.items()}


def _bytes(form: list[int]) -> Any:
    """Content by its hash; what stands for a Python function without the version of Python that pickled it."""
    if not all(0 <= one < 256 for one in form):  # noqa: PLR2004 - numbers, not bytes
        return form
    content = bytes(form)
    head, mark, payload = content.partition(MARK)
    if not mark:
        return {"bytes": digest(content.hex())} if len(form) > len(IPC) else form
    return {"python": payload.decode(), "head": head[:-PYTHON_VERSION].hex()}


def input_of(form: Any) -> str | None:
    """The input that a part of a plan stands for; None when it is something else."""
    if not isinstance(form, dict) or set(form) != {"PythonScan"}:
        return None
    payload: str = form["PythonScan"]["options"]["scan_fn"].get("python", "")
    return payload.removeprefix(INPUT.decode()) if payload.startswith(INPUT.decode()) else None


def _look_up(function: dict[str, Any]) -> Any:
    """Membership and replacement with their values in a fixed order: sets and dicts have none."""
    kind = function["function"]
    name = next(iter(kind)) if isinstance(kind, dict) else kind
    inner = kind[name] if isinstance(kind, dict) else None
    is_membership = name == "Boolean" and isinstance(inner, dict) and set(inner) == {"IsIn"}
    if not is_membership and name not in {"Replace", "ReplaceStrict"}:
        return None
    lists = [_listed(one) for one in function["input"][1 : 2 if is_membership else 3]]
    if not lists or any(one is None for one in lists) or len({len(one) for one in lists if one is not None}) > 1:
        return None
    pairs = sorted({json.dumps(pair, default=repr) for pair in zip(*(one for one in lists if one), strict=True)})
    rest = [_settled(one) for n, one in enumerate(function["input"]) if n == 0 or n > len(lists)]
    return {"Function": {"function": _settled(kind), "input": rest, "values": pairs}}


def _listed(literal: Any) -> list[Any] | None:
    """The values of a literal list with their type; None for anything else."""
    found = literal.get("Literal") if isinstance(literal, dict) else None
    found = found.get("Scalar", found) if isinstance(found, dict) else None
    content = next(iter(found.values())) if isinstance(found, dict) and len(found) == 1 else None
    if not isinstance(content, list) or content[: len(IPC)] != IPC:
        return None
    series = pl.read_ipc_stream(io.BytesIO(bytes(content))).to_series()
    values = series.to_list()
    return [[str(series.dtype), repr(value)] for value in values]
