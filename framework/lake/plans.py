"""Run plans and manifests in the lake: `_sluice/<pipeline>/plans/<seq>.json` and `runs/<seq>.json`, never rewritten.

Beside them `definitions/<fingerprint>.json`: what the pipeline was when a plan was fixed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from framework.core.faults import fault
from framework.core.plan import FilesInput, RunPlan, TableInput
from framework.errors import SourceError

if TYPE_CHECKING:
    from framework.core.plan import FileInput
    from framework.storage import StorageLocation

SNAPSHOT_EVERY = 20
HIDDEN = "_sluice"


@dataclass(frozen=True)
class PlanStore:
    """The plans and manifests of one pipeline."""

    lake: StorageLocation
    pipeline: str

    def _path(self, folder: str, seq: int) -> str:
        return f"{HIDDEN}/{self.pipeline}/{folder}/{seq:08d}.json"

    def plan(self, seq: int) -> RunPlan | None:
        """The plan of a sequence, if one was fixed."""
        content = self.lake.read(self._path("plans", seq))
        return RunPlan.from_json(content) if content is not None else None

    def fix(self, plan: RunPlan) -> RunPlan:
        """Fix a plan; if somebody was first, theirs holds and is given back."""
        fault("plan.before")
        created = self.lake.create(self._path("plans", plan.seq), plan.to_json())
        fault("plan.after")
        return plan if created else self.require(plan.seq)

    def require(self, seq: int) -> RunPlan:
        """The plan of a sequence that must be there.

        Raises:
            SourceError: when the lake has lost it.
        """
        found = self.plan(seq)
        if found is None:
            raise SourceError(
                f"the plan {self._path('plans', seq)} is gone, so what sequence {seq} of {self.pipeline} covered is"
                " unknown; restore it, or rebuild with --full"
            )
        return found

    def definition(self, fingerprint: str) -> bytes | None:
        """The definition of the pipeline that has a fingerprint, if a plan was fixed with it."""
        return self.lake.read(f"{HIDDEN}/{self.pipeline}/definitions/{fingerprint}.json")

    def keep_definition(self, fingerprint: str, content: bytes) -> None:
        """Keep a definition of the pipeline under its fingerprint; a second one changes nothing."""
        self.lake.create(f"{HIDDEN}/{self.pipeline}/definitions/{fingerprint}.json", content)

    def manifest(self, seq: int) -> dict[str, Any] | None:
        """What a finished sequence published: the version of every table."""
        content = self.lake.read(self._path("runs", seq))
        return json.loads(content) if content is not None else None

    def finish(self, seq: int, manifest: dict[str, Any]) -> None:
        """Write the manifest of a sequence; a second one changes nothing."""
        fault("manifest.before")
        self.lake.create(self._path("runs", seq), json.dumps(manifest, indent=1, default=str).encode())
        fault("manifest.after")

    def covered(self, seq: int) -> Covered:
        """What the sequences up to `seq` cover together, folded from their plans.

        Every `SNAPSHOT_EVERY` plans the fold is kept beside them. It holds nothing that the plans do not.
        """
        at = seq - seq % SNAPSHOT_EVERY
        state = Covered({}, {})
        start = 1
        content = self.lake.read(self._path("covered", at)) if at else None
        if content is not None:
            state, start = Covered.from_json(content), at + 1
        for number in range(start, seq + 1):
            state = state.after(self.require(number))
            if number % SNAPSHOT_EVERY == 0:
                self.lake.create(self._path("covered", number), state.to_json())
        return state


@dataclass(frozen=True)
class Covered:
    """Per source: the files read so far with the content they had, or the table version read so far."""

    files: dict[str, dict[str, list[Any]]]
    versions: dict[str, int]

    def after(self, plan: RunPlan) -> Covered:
        """What is covered once a plan is done. A full plan starts from nothing."""
        files = {} if plan.mode == "full" else dict(self.files)
        versions = {} if plan.mode == "full" else dict(self.versions)
        for name, given in plan.inputs.items():
            if isinstance(given, FilesInput):
                files[name] = {**files.get(name, {}), **{f.path: signature(f) for f in given.files}}
            elif isinstance(given, TableInput):
                versions[name] = given.version
        return Covered(files, versions)

    def to_json(self) -> bytes:
        """Render as JSON."""
        return json.dumps({"files": self.files, "versions": self.versions}, ensure_ascii=False).encode()

    @staticmethod
    def from_json(content: bytes) -> Covered:
        """Read what `to_json` wrote."""
        return Covered(**json.loads(content))


def signature(file: FileInput) -> list[Any]:
    """What tells one content of a path from another, in JSON's types."""
    return [file.size, file.modified.isoformat(), file.etag]
