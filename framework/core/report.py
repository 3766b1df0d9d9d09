"""What a run did, as plain data: the one document that `run --json`, the ledger and the manifest share."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from framework.core.quality import QualityReport

REPORT_VERSION = 1

State = Literal["SUCCESS", "UNCHANGED", "FAILED", "CANCELLED", "SKIPPED"]


@dataclass(frozen=True)
class SourceReport:
    """Counts of one source. `rows_in` = `accepted` + `quarantined` + the sum of `dropped`.

    `reasons`: rows by the rule they break, whether that refuses them or only warns; `warned`: those of rules that only
    warn. `released`, `refused_again`: of the rows that were in quarantine and were judged again. `warnings`: rules over
    all its rows that do not hold, and only warn, and tables with last known values that are not there. `filled`: cells
    of accepted and released rows that a fallback filled, by column and by what filled them. `stands_in`: for which
    source this one, an alternate, stands in in this run, and why. `retries`,
    `waited_s`: how many calls to it were made again, and the seconds waited for that. `breaker`: what its circuit does,
    where it has one.
    """

    rows_in: int
    accepted: int
    quarantined: int
    dropped: dict[str, int] = field(default_factory=dict)
    files: int = 0
    files_rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    released: int = 0
    warnings: list[str] = field(default_factory=list)
    warned: dict[str, int] = field(default_factory=dict)
    refused_again: int = 0
    filled: dict[str, dict[str, int]] = field(default_factory=dict)
    stands_in: str = ""
    retries: int = 0
    waited_s: float = 0.0
    breaker: str = ""


@dataclass(frozen=True)
class StepReport:
    """What a step's rows break of the rules that only warn: `warned`, rows by rule; `warnings`, rules over all rows."""

    warned: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class StageReport:
    """Steps up to a checkpoint whose rows were written down by this run, or found as an earlier one wrote them.

    `rows`, `bytes`: what is kept of them. `seconds`: what computing them took, whoever did. `age_s`: how long ago they
    were written down, where they were found. `address`: where in the cache.
    """

    name: str
    state: Literal["computed", "reused"]
    rows: int
    bytes: int
    seconds: float
    age_s: float = 0.0
    address: str = ""


@dataclass(frozen=True)
class RuleReport:
    """What became of a rule across tables: `held`, or `broken`, which a published run was only warned of.

    `lines`: what does not hold, counts first.
    """

    state: Literal["held", "broken"]
    severity: str
    message: str
    owner: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class HookReport:
    """How often a hook that watches was called, and how often it failed; how, is in the log."""

    calls: int = 0
    failed: int = 0


@dataclass(frozen=True)
class OutputReport:
    """One table as a run left it: the version it committed, rows added and removed, partitions it touched."""

    table: str
    version: int
    rows_added: int
    rows_removed: int
    partitions: int
    files_added: int
    files_removed: int


@dataclass(frozen=True)
class ExportReport:
    """One file made of a table: the version it shows, its records, and its bytes with their SHA-256."""

    path: str
    table: str
    version: int
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class NodeReport:
    """What the nodes of a plan that do the same did: `name` in words, `count` of them, rows of these `sources`.

    `seconds` of the processor, on all threads together; `share`: of all nodes. `bytes_read`: of files. `step`: the one
    that it comes from, where that can be told.
    """

    name: str
    operation: str
    rows_out: int
    seconds: float
    share: float
    rows_in: int = 0
    bytes_read: int = 0
    count: int = 1
    step: str = ""
    sources: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Failure:
    """Why a run failed: the failure's class, the error's name and its message."""

    kind: str
    error: str
    message: str
    retryable: bool = False


@dataclass(frozen=True)
class RunReport:
    """One pipeline's run. Times in seconds, memory in MiB, `started_at` in ISO 8601 UTC.

    `steps`: those of which rules that only warn were broken. `rules`: the rules across tables. `used_last`: the tables
    that were read as last published although their pipeline came to nothing, each with what became of that. `late_s`:
    by how much it took longer than its policy expects. `skipped`: tables that it left as they are, each with the
    condition that does not hold. `stood_in`: steps in whose place something else gave rows, each with why. `stages`:
    those that end in a checkpoint. `hooks`: those that watch and were called, by name. `nodes`: what the physical nodes
    of its plans did, slowest first.
    """

    run_id: str
    pipeline: str
    state: State
    seq: int | None = None
    mode: str = "incremental"
    reason: str = ""
    started_at: str = ""
    duration_s: float = 0.0
    timings_s: dict[str, float] = field(default_factory=dict)
    peak_memory_mb: float = 0.0
    sources: dict[str, SourceReport] = field(default_factory=dict)
    outputs: dict[str, OutputReport] = field(default_factory=dict)
    exports: dict[str, ExportReport] = field(default_factory=dict)
    quality: dict[str, QualityReport] = field(default_factory=dict)
    failure: Failure | None = None
    attempts: int = 1
    steps: dict[str, StepReport] = field(default_factory=dict)
    rules: dict[str, RuleReport] = field(default_factory=dict)
    used_last: dict[str, str] = field(default_factory=dict)
    late_s: float = 0.0
    skipped: dict[str, str] = field(default_factory=dict)
    stood_in: dict[str, str] = field(default_factory=dict)
    stages: dict[str, StageReport] = field(default_factory=dict)
    hooks: dict[str, HookReport] = field(default_factory=dict)
    nodes: list[NodeReport] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(document: dict[str, Any]) -> RunReport:
        """Read what `to_dict` gave, of an older version too; what a newer one says beside it is left out."""
        values = {name: value for name, value in document.items() if name in RunReport.__dataclass_fields__}
        values["sources"] = {name: SourceReport(**v) for name, v in values["sources"].items()}
        values["outputs"] = {name: OutputReport(**v) for name, v in values["outputs"].items()}
        values["exports"] = {name: ExportReport(**v) for name, v in values.get("exports", {}).items()}
        values["steps"] = {name: StepReport(**v) for name, v in values.get("steps", {}).items()}
        values["rules"] = {name: RuleReport(**v) for name, v in values.get("rules", {}).items()}
        values["stages"] = {name: StageReport(**v) for name, v in values.get("stages", {}).items()}
        values["hooks"] = {name: HookReport(**v) for name, v in values.get("hooks", {}).items()}
        values["quality"] = {name: QualityReport.from_dict(v) for name, v in values.get("quality", {}).items()}
        values["nodes"] = [NodeReport(**v) for v in values.get("nodes", [])]
        values["failure"] = Failure(**values["failure"]) if values["failure"] else None
        return RunReport(**values)
