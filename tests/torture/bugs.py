"""Seeded bugs: each puts one classic mistake into the house for the length of a run. The checks must find each."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from deltalake import CommitProperties, DeltaTable

from framework.lake import delta, plans, stage
from framework.run import flow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from framework.lake.delta import TableHandle

publish = import_module("framework.lake.publish")  # the package has a function by that name


@contextmanager
def path_instead_of_handle() -> Iterator[None]:
    """Commit through the table as it is by then, not through the handle that was pinned at the start."""
    commit = publish.commit

    def through_path(handle: TableHandle, **options: Any) -> None:
        commit(replace(handle, delta=DeltaTable(handle.location.uri())), **options)

    with patch.object(publish, "commit", through_path):
        yield


@contextmanager
def no_transaction() -> Iterator[None]:
    """Commit without the application transaction; the position is what the last manifest says."""

    def from_manifests(self: TableHandle, app: str) -> int:
        _, pipeline, _ = app.split("/", 2)  # of a schema it finds no run: position 0
        root = self.location.uri().removesuffix(self.name)
        return max((int(p.stem) for p in Path(root, "_sluice", pipeline, "runs").glob("*.json")), default=0)

    def trusting(staged: Any, *, pipeline: str, seq: int, metadata: Any, rebase: Any) -> Any:
        delta.sync_data(staged.handle, staged.adds)
        publish.fault("commit.before")
        publish._commit(staged, publish.app_id(pipeline, staged.handle.name), seq, metadata)
        publish.fault("commit.after")
        return publish._outcome(staged, publish._reopen(staged.handle), has_landed=True)

    def without(**options: Any) -> CommitProperties:
        return CommitProperties(**{k: v for k, v in options.items() if k != "app_transactions"})

    with (
        patch.object(delta, "CommitProperties", without),
        patch.object(delta.TableHandle, "sequence", from_manifests),
        patch("framework.run.targets.publish", trusting),
    ):
        yield


@contextmanager
def position_apart() -> Iterator[None]:
    """Keep the position in a file beside the table, written just before the commit."""
    sync_data = publish.sync_data

    def at(handle: TableHandle) -> Path:
        return Path(handle.location.uri(), "_position")

    def from_file(self: TableHandle, app: str) -> int:
        return int(at(self).read_text()) if at(self).exists() else 0

    def position_first(handle: TableHandle, files: Any) -> None:
        sync_data(handle, files)
        at(handle).write_text(str(from_file(handle, "") + 1))

    with patch.object(publish, "sync_data", position_first), patch.object(delta.TableHandle, "sequence", from_file):
        yield


@contextmanager
def files_deleted_on_error() -> Iterator[None]:
    """Tidy up after a commit that raised, as if that meant that it had not landed."""
    commit = publish._commit

    def tidy(staged: Any, app: str, seq: int, metadata: Any) -> None:
        try:
            commit(staged, app, seq, metadata)
        except Exception:
            for file in staged.adds:
                staged.handle.location.delete(file.path)
            raise

    with patch.object(publish, "_commit", tidy):
        yield


@contextmanager
def fixed_names() -> Iterator[None]:
    """Name staged files by their number within the attempt."""

    class Numbers:
        def __init__(self) -> None:
            self.numbers = count()

        def uuid4(self) -> Any:
            return type("Number", (), {"hex": f"{next(self.numbers):05}"})

    with patch.object(stage, "uuid", Numbers()):
        yield


@contextmanager
def plan_not_fixed() -> Iterator[None]:
    """Let every attempt list anew what its sequence covers, and keep the plan of the last one."""
    find_position = flow.find_position

    def rewritten(self: plans.PlanStore, plan: Any) -> Any:
        path = Path(self.lake.uri(self._path("plans", plan.seq)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plan.to_json())
        return plan

    def without_pending(pipeline: Any, space: Any) -> Any:
        return replace(find_position(pipeline, space), pending=None)

    with patch.object(plans.PlanStore, "fix", rewritten), patch.object(flow, "find_position", without_pending):
        yield


BUGS: dict[str, Callable[[], Any]] = {
    "path_instead_of_handle": path_instead_of_handle,
    "no_transaction": no_transaction,
    "position_apart": position_apart,
    "files_deleted_on_error": files_deleted_on_error,
    "fixed_names": fixed_names,
    "plan_not_fixed": plan_not_fixed,
}
