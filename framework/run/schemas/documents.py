"""The documents of a pipeline's tables: what is declared of them now, and what the lake's tables were published as."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import total
from framework.core.clock import at_run_time
from framework.core.plan import TableInput
from framework.lake import as_declared, open_table, stored_type
from framework.registry import Column, Constraint, Document
from framework.run.compiled import EPOCH, contracts, defaults, empty_inputs, expression_text, wire
from framework.run.parameters import typed_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary import Contract, DatasetRule, Rule
    from framework.core.plan import Input
    from framework.definition import Output, Pipeline
    from framework.lake import TableHandle
    from framework.registry import Registry
    from framework.run.workspace import Workspace

BATCH_RULE = "batch"


def declared_documents(
    pipeline: Pipeline, space: Workspace, inputs: Mapping[str, Input], parameters: Mapping[str, Any]
) -> dict[str, Document]:
    """Say what the tables of a pipeline are as its definition stands: its plan over no rows, and its contracts.

    Tables that it reads have the columns that they have in the lake, at the version that `inputs` pin. Reads no data.

    Raises:
        AuthorError: when the pipeline does not fit together, or not to the tables that it reads.
    """
    with at_run_time(EPOCH):  # so that rules which look at the time are the same tomorrow
        known = contracts(pipeline)
        frames = empty_inputs(pipeline, known)
        for name, source in pipeline.table_sources.items():
            given = inputs.get(name)
            version = given.version if isinstance(given, TableInput) else None
            handle = open_table(space.lake, source.table, version)
            if handle is not None:
                frames[name] = table_frame(handle.schema, known.get(name))
        values = typed_parameters(pipeline, parameters) if parameters else defaults(pipeline)
        rows = wire(pipeline, frames, values, known)
        return {
            o.table: document_of(o, rows[o.of].collect_schema(), known.get(o.of), pipeline.name)
            for o in pipeline.outputs
            if o.of in rows
        }


def table_frame(stored: pl.Schema, contract: Contract | None) -> pl.LazyFrame:
    """A table as a frame without rows: its columns as a pipeline that declares a contract of it reads them. Lazy."""
    frame = pl.LazyFrame(schema=stored)
    return frame if contract is None else as_declared(frame, contract.schema)


def document_of(output: Output, schema: pl.Schema, contract: Contract | None, pipeline: str) -> Document:
    """The document of an output: the columns of its rows, with what its contract says of them."""
    specs = contract.columns if contract is not None else {}
    columns = []
    for name, dtype in schema.items():
        spec = specs.get(name)
        if spec is None:  # beyond the contract, such as where a row came from
            columns.append(Column(name, dtype))
            continue
        may_be_null = spec.nullable or (not spec.required and spec.default is None)
        columns.append(Column(name, dtype, may_be_null, spec.default, spec.is_sensitive, spec.aliases))
    hints = _hinted(output)
    return Document(
        table=output.table,
        columns=tuple(replace(c, aliases=(*hints.get(c.name, ()), *c.aliases)) for c in columns),
        constraints=tuple(_constraints(contract)) if contract is not None else (),
        key=output.key if output.mode == "merge" else (),
        partition_by=output.partition_by,
        origin={"pipeline": pipeline, "polars": pl.__version__, "schema": contract.name if contract else ""},
    )


def _hinted(output: Output) -> dict[str, tuple[str, ...]]:
    """The old names of columns, as the migration of a table says them."""
    found: dict[str, tuple[str, ...]] = {}
    for old, new in (output.migration.rename if output.migration else {}).items():
        found[new] = (*found.get(new, ()), old)
    return found


def _constraints(contract: Contract) -> list[Constraint]:
    missing = _missing_row(contract)
    rules = [
        _constraint(rule, passes_missing=_passes(rule, missing), severity=_promised(rule)) for rule in contract.rules
    ]
    # What is said of a batch as a whole is said of no row of the table.
    batch = [_constraint(rule, passes_missing=True, severity=BATCH_RULE) for rule in contract.dataset_rules]
    return [*rules, *batch]


def _promised(rule: Rule) -> str:
    """What a rule promises of each row: one with a budget lets some break it, as one that warns does."""
    return "warning" if rule.limits else rule.severity


def _constraint(rule: Rule | DatasetRule, *, passes_missing: bool, severity: Any) -> Constraint:
    kind = getattr(rule, "kind", "")
    text = "" if kind else expression_text(rule.holds)
    return Constraint(
        name=rule.name,
        column=rule.column,
        message=rule.message,
        kind=kind,
        values=dict(getattr(rule, "values", {})),
        expression=hashlib.sha256(text.encode()).hexdigest()[:16] if text else "",
        severity=severity,
        passes_missing=passes_missing,
    )


def _missing_row(contract: Contract) -> pl.LazyFrame:
    """A row in which every column is missing: it has its default, or null."""
    columns = contract.columns.values()
    return pl.LazyFrame({c.name: pl.Series([c.default], dtype=c.dtype) for c in columns})


def _passes(rule: Rule, missing: pl.LazyFrame) -> bool:
    """Whether a row passes in which the columns of a rule are missing; many such rows are never unique."""
    if rule.is_window:
        return False
    return bool(missing.select(total(rule.holds).alias("_passes")).collect().item())


def observed(handle: TableHandle) -> Document:
    """What can be seen of a table that nobody has registered: its names and types."""
    columns = tuple(Column(name, dtype) for name, dtype in handle.schema.items())
    return Document(handle.name, columns, partition_by=handle.partition_by, is_observed=True)


def published_document(registry: Registry, handle: TableHandle) -> Document:
    """The document that a table was published with, or else what can be seen of it.

    Raises:
        ConfigurationError: when the registry has lost it, or a newer Sluice wrote it.
    """
    version = handle.schema_version
    return registry.require(handle.name, version) if version else observed(handle)


def comparable(declared: Document, published: Document) -> Document:
    """The declared document in the types that can be seen of a table, where no more is known of it."""
    if not published.is_observed:
        return declared
    columns = tuple(replace(column, dtype=stored_type(column.dtype)) for column in declared.columns)
    return replace(declared, columns=columns)


def aligned(document: Document, stored: pl.Schema) -> Document:
    """The document with just the columns that are really written.

    A plan over no rows may miss some that a step hands on from a table that was not there yet.
    """
    columns = [column for column in document.columns if column.name in stored]
    beyond = [Column(name, dtype) for name, dtype in stored.items() if name not in document.by_name]
    return replace(document, columns=(*columns, *beyond))
