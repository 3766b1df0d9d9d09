"""Files that fail or kill the reading of a run: they cost themselves, and the tables are right whatever happens."""

from __future__ import annotations

import gzip
import io
import os
import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framework import Pipeline, csv_files, guarded, json_files, parquet_files, step, table
from framework.core import faults
from framework.core.events import listening
from framework.core.typed import DataFrameModel, LazyFrame
from framework.errors import BoundaryError, SourceError, StorageError
from framework.lake import PlanStore, StagingArea, open_table
from framework.run import drafts, flow, left_out
from framework.run.flow import run_in
from framework.run.readers import judge_files
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.sources.judging import Verdict
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.report import RunReport

pytestmark = pytest.mark.drawn(2)


class Visit(DataFrameModel):
    shop: str
    visitors: int


ROWS = pl.DataFrame({"shop": [f"shop {n % 97} {n}" for n in range(2000)], "visitors": range(2000)})
DAMAGE = b"\xff" * 100
BROKEN = "file: damaged Parquet pages: Corrupt snappy compressed data."


def parquet(rows: pl.DataFrame = ROWS, compression: str = "snappy") -> bytes:
    target = io.BytesIO()
    pq.write_table(rows.to_arrow(), target, compression=compression, write_page_checksum=False)
    return target.getvalue()


def damaged(content: bytes, at: int = 300) -> bytes:
    """The same with bytes turned over in its first page; the footer is fine."""
    return content[:at] + DAMAGE + content[at + len(DAMAGE) :]


@pytest.fixture
def space(tmp_path) -> Workspace:
    (tmp_path / "raw").mkdir()
    raw, lake, files = (StorageLocation(str(tmp_path / name)) for name in ("raw", "lake", "files"))
    return Workspace(raw, lake, exports=files)


def put(space: Workspace, **contents: bytes) -> None:
    for name, content in contents.items():
        Path(space.raw.uri(name.replace("_", "."))).write_bytes(content)


def pipeline_of(source, *, mode: str = "append", steps=()) -> Pipeline:
    of = steps[-1] if steps else "visits"
    return Pipeline(
        "t.visits", sources={"visits": source}, steps=list(steps), outputs=[table("visits", of=of, mode=mode)]
    )


VISITS = pipeline_of(parquet_files("*.parquet", schema=Visit))


def run(space: Workspace, pipeline: Pipeline = VISITS, **asked) -> RunReport:
    return run_in(pipeline, space, RunRequest(**asked))


def kept(space: Workspace) -> dict[str, int]:
    """The rows of the table, by file."""
    counts = open_table(space.lake, "visits").scan().group_by("_source_file").len().collect()
    return dict(sorted(counts.rows()))


def held(space: Workspace) -> dict[str, str]:
    """The files in the quarantine, with the reason."""
    found = open_table(space.lake, "_quarantine/t.visits").scan().filter(pl.col("line").is_null()).collect()
    return {file: reasons[0] for file, reasons in sorted(found.select("file", "reasons").rows())}


def strays(space: Workspace) -> set[str]:
    """Data files that no table knows."""
    found = {str(p) for p in Path(space.lake.uri()).rglob("part-*.parquet")}
    for name in ("visits", "_quarantine/t.visits"):
        if (handle := open_table(space.lake, name)) is not None:
            found -= {handle.location.uri(file.path) for file in handle.files()}
    return found


def test_damaged_page_costs_its_file_without_being_asked_for(space):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()), c_parquet=parquet(ROWS.head(3)))
    told = []
    with listening(told.append):
        report = run(space)
    counts = report.sources["visits"]
    assert (counts.rows_in, counts.accepted, counts.files, counts.files_rejected) == (2003, 2003, 3, 1)
    assert kept(space) == {"a.parquet": 2000, "c.parquet": 3}
    assert held(space) == {"b.parquet": BROKEN}
    assert strays(space) == set()
    failure = "parquet: File out of specification: Invalid snappy data: copy offset is out of bounds"
    assert [event.message for event in told if event.level == "WARNING"] == [
        f"t.visits: reading failed, each file is read apart now: {failure}",
        "b.parquet: damaged Parquet pages: Corrupt snappy compressed data.",
    ]
    assert "apart" in report.timings_s
    assert run(space).state == "UNCHANGED"


def test_nothing_that_a_failed_reading_has_staged_stays_behind(space, monkeypatch, counted):
    written = []
    write = StagingArea._write
    monkeypatch.setattr("framework.lake.stage.BUDGET", 0)
    monkeypatch.setattr(StagingArea, "_write", lambda *args: (written.append(write(*args)), written[-1])[1])
    put(space, **{f"a{n:02}_parquet": parquet() for n in range(12)}, z_parquet=damaged(parquet()))
    run(space)
    assert counted["stage"] == 2
    assert len(written) > len(open_table(space.lake, "visits").files()) + 1
    assert strays(space) == set()


def reads(path: Path) -> bool:
    """Whether both readers can read a file."""
    try:
        pq.read_table(path)
        pl.scan_parquet(path, glob=False).collect(engine="streaming")
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError):
        return False
    return True


@pytest.mark.parametrize("compression", ["snappy", "zstd", "none"])
def test_of_many_damaged_files_those_that_can_be_read_are_and_the_others_are_held(space, compression):
    content = parquet(compression=compression)
    chosen = random.Random(compression)
    put(space, good_parquet=content)
    for n in range(40):
        place = chosen.randrange(4, len(content))
        bad = bytearray(content)
        bad[place] ^= 1 << chosen.randrange(8)
        put(space, **{f"b{n:02}_parquet": bytes(bad)})
    broken = damaged(content) if compression != "none" else content[:40] + DAMAGE + content[140:]
    put(space, zz_parquet=broken)
    run(space)
    files = {path.name: path for path in Path(space.raw.uri()).iterdir()}
    sound = {name for name, path in files.items() if reads(path)}
    assert set(kept(space)) == sound
    assert set(held(space)) == set(files) - sound
    assert {"good.parquet"} <= sound < set(files)


def test_damage_in_a_column_that_nobody_wants_costs_nothing(space):
    wide = ROWS.with_columns(more=pl.Series([f"{n}" * 3 for n in range(2000)])).select("more", "shop", "visitors")
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()), wide_parquet=damaged(parquet(wide)))
    run(space)
    assert kept(space) == {"a.parquet": 2000, "wide.parquet": 2000}
    assert set(held(space)) == {"b.parquet"}


def test_promise_that_the_source_does_not_ask_for_is_not_held_against_a_file(space):
    put(space, a_parquet=parquet(), a_parquet_sha256=b"0" * 64, b_parquet=damaged(parquet()))
    run(space)
    assert kept(space) == {"a.parquet": 2000}


def test_footer_at_which_polars_panics_costs_its_file(space):
    target = io.BytesIO()
    odd = pa.table({"shop": ["A"], "visitors": [1], "at": pa.array([0], pa.timestamp("us", tz="-02:15"))})
    pq.write_table(odd, target)
    put(space, a_parquet=parquet(ROWS.head(2)), b_parquet=target.getvalue())
    run(space)
    assert kept(space) == {"a.parquet": 2}
    assert held(space)["b.parquet"].startswith("file: the reader panicked: called `Result::unwrap()`")


@step(returns=Visit)
def strict(visits: LazyFrame[Visit]) -> pl.LazyFrame:
    return visits.with_columns(visitors=pl.col("shop").cast(pl.Int64))


def test_nobody_to_blame_leaves_the_error_as_it_was(space):
    put(space, a_parquet=parquet(ROWS.head(2)), b_parquet=b"no Parquet")
    with pytest.raises(pl.exceptions.InvalidOperationError, match="conversion from `str` to `i64` failed"):
        run(space, pipeline_of(parquet_files("*.parquet", schema=Visit), steps=[strict]))
    assert strays(space) == set()
    assert open_table(space.lake, "visits").version == 0


@pytest.fixture
def counted(monkeypatch) -> Counter[str]:
    """How often a plan is staged, and its files are read apart."""
    found: Counter[str] = Counter()

    def counting(module, name):
        function = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args: (found.update([name]), function(*args))[1])

    counting(flow, "stage")
    counting(left_out, "judge_files")
    return found


def test_a_failure_of_a_step_is_not_staged_again_for_files_that_are_refused_anyway(space, counted):
    put(space, a_parquet=parquet(ROWS.head(2)), b_parquet=b"no Parquet")
    with pytest.raises(pl.exceptions.InvalidOperationError):
        run(space, pipeline_of(parquet_files("*.parquet", schema=Visit), steps=[strict]))
    assert counted == {"stage": 1, "judge_files": 1}


def test_files_are_read_apart_once_though_a_step_fails_behind_them(space, counted):
    put(space, a_parquet=parquet(ROWS.head(2)), b_parquet=damaged(parquet()))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        run(space, pipeline_of(parquet_files("*.parquet", schema=Visit), steps=[strict]))
    assert counted["judge_files"] == 1


def test_error_of_a_steps_own_code_reads_nothing_apart(space, monkeypatch):
    @step(returns=Visit)
    def faulty(visits: LazyFrame[Visit]) -> pl.LazyFrame:
        return visits.map_batches(lambda rows: rows.with_columns(visitors=1 // 0))

    put(space, a_parquet=parquet(ROWS.head(2)))
    monkeypatch.setattr(left_out, "judge_files", None)
    with pytest.raises(ZeroDivisionError):
        run(space, pipeline_of(parquet_files("*.parquet", schema=Visit), steps=[faulty]))


@pytest.mark.parametrize("error", [OSError(28, "full"), pl.exceptions.ComputeError("x: No space left on device")])
def test_full_disk_is_no_files_doing(error):
    assert left_out.may_be_a_file(error) == isinstance(error, pl.exceptions.PolarsError)


def test_healthy_run_reads_nothing_apart_and_looks_at_each_file_once(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=parquet())
    looks = []
    stamp = left_out._stamp
    monkeypatch.setattr(left_out, "_stamp", lambda path: (looks.append(path), stamp(path))[1])
    monkeypatch.setattr(left_out, "judge_files", None)
    monkeypatch.setattr(drafts, "decided", None)
    run(space)
    assert len(looks) == 2


def test_policy_that_fails_on_invalid_input_names_the_file(space):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    with pytest.raises(BoundaryError) as caught:
        run(space, pipeline_of(parquet_files("*.parquet", schema=Visit, on_invalid="fail")))
    assert str(caught.value).splitlines()[:3] == [
        "source 'visits' refuses invalid input, and 0 of 2,000 rows and 1 of 2 files are invalid:",
        "  files: 1",
        "    b.parquet: damaged Parquet pages: Corrupt snappy compressed data.",
    ]


def test_file_that_was_refused_may_be_delivered_again_to_a_table_that_is_appended_to(space):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    run(space)
    put(space, b_parquet=parquet(ROWS.head(5)))
    run(space)
    assert kept(space) == {"a.parquet": 2000, "b.parquet": 5}
    states = open_table(space.lake, "_quarantine/t.visits").scan().select("file", "state").collect().rows()
    assert states == [("b.parquet", "superseded")]
    put(space, b_parquet=parquet(ROWS.head(6)))
    with pytest.raises(SourceError, match=r"^b.parquet has changed since its rows were appended to visits"):
        run(space)


def test_storage_that_fails_while_files_are_read_apart_refuses_none(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))

    def unreachable(files, _location, _limits):
        return [Verdict(file.path, "rejected", "cannot be read: timed out", is_storage=True) for _, file in files]

    monkeypatch.setattr(left_out, "judge_files", unreachable)
    with pytest.raises(StorageError, match=r"^a\.parquet cannot be read now: cannot be read: timed out$"):
        run(space)


TEXTS = {"csv": b"shop,visitors\n" + b"".join(b"shop %d,%d\n" % (n, n) for n in range(3000))}
TEXTS["json"] = b"".join(b'{"shop": "shop %d", "visitors": %d}\n' % (n, n) for n in range(3000))


def zstd(content: bytes) -> bytes:
    return pa.compress(content, codec="zstd", asbytes=True)


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("pack", [gzip.compress, zstd])
def test_damaged_stream_costs_its_file(space, kind, pack):
    packed = pack(TEXTS[kind])
    ending = "gz" if pack is gzip.compress else "zst"
    bad = bytearray(packed)
    bad[40:90] = bytes(50)
    put(space, **{f"a_{kind}_{ending}": packed, f"b_{kind}_{ending}": bytes(bad), f"c_{kind}_{ending}": packed[:-20]})
    source = csv_files("*.csv", schema=Visit) if kind == "csv" else json_files("*.json", schema=Visit)
    run(space, pipeline_of(source))
    assert kept(space) == {f"a.{kind}.{ending}": 3000}
    assert set(held(space)) == {f"b.{kind}.{ending}", f"c.{kind}.{ending}"}
    assert all("the compressed data is broken" in reason for reason in held(space).values())


@pytest.fixture
def meanwhile(monkeypatch) -> Callable[..., None]:
    """Do things between the look at the files and their reading: one each time that a plan is staged."""

    def plan(*deeds: Callable[[], object]) -> None:
        todo, stage = list(deeds), flow.stage

        def staged(targets):
            if todo:
                todo.pop(0)()
            stage(targets)

        monkeypatch.setattr(flow, "stage", staged)

    return plan


SOURCES = {
    "csv": csv_files("*.csv", schema=Visit),
    "csv.gz": csv_files("*.csv", schema=Visit),
    "json": json_files("*.json", schema=Visit),
    "parquet": parquet_files("*.parquet", schema=Visit),
}


def content_of(kind: str, rows: int) -> bytes:
    frame = ROWS.head(rows)
    if kind == "parquet":
        return parquet(frame)
    text = frame.write_csv().encode() if kind.startswith("csv") else frame.write_ndjson().encode()
    return gzip.compress(text) if kind.endswith("gz") else text


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("becomes", [1, 7, 900])
def test_file_that_is_replaced_while_being_read_is_read_whole_as_it_is_then(space, meanwhile, kind, becomes):
    names = [f"{letter}.{kind}" for letter in "abc"]
    put(space, **dict.fromkeys(names, content_of(kind, 300)))
    meanwhile(lambda: put(space, **{names[1]: content_of(kind, becomes)}))
    run(space, pipeline_of(SOURCES[kind], mode="overwrite"))
    assert kept(space) == {names[0]: 300, names[1]: becomes, names[2]: 300}
    lines = open_table(space.lake, "visits").scan().group_by("_source_file").agg(pl.col("_source_line").max())
    first = 1 if kind.startswith("csv") else 0
    assert dict(lines.collect().rows()) == {n: first + (becomes if n == names[1] else 300) for n in names}
    assert held(space) == {}
    assert strays(space) == set()


@pytest.mark.parametrize("kind", SOURCES)
def test_file_that_vanishes_while_being_read_is_refused(space, meanwhile, kind):
    names = [f"{letter}.{kind}" for letter in "abc"]
    put(space, **dict.fromkeys(names, content_of(kind, 300)))
    meanwhile(Path(space.raw.uri(names[1])).unlink)
    run(space, pipeline_of(SOURCES[kind]))
    assert kept(space) == {names[0]: 300, names[2]: 300}
    assert held(space) == {names[1]: "file: the file is gone since the run was planned"}


@pytest.mark.parametrize("kind", ["csv.gz", "parquet"])
def test_file_that_is_cut_off_while_being_read_is_refused(space, meanwhile, kind):
    names = [f"{letter}.{kind}" for letter in "abc"]
    put(space, **dict.fromkeys(names, content_of(kind, 300)))
    meanwhile(lambda: put(space, **{names[1]: content_of(kind, 300)[:-30]}))
    run(space, pipeline_of(SOURCES[kind]))
    assert kept(space) == {names[0]: 300, names[2]: 300}
    assert list(held(space)) == [names[1]]


@pytest.mark.parametrize("mode", ["append", "overwrite"])
def test_changed_file_is_never_appended_twice(space, meanwhile, mode):
    put(space, a_csv=content_of("csv", 300), b_csv=content_of("csv", 300))
    meanwhile(lambda: put(space, a_csv=content_of("csv", 7)))
    run(space, pipeline_of(SOURCES["csv"], mode=mode))
    now = {"b.csv": 300} if mode == "append" else {"a.csv": 7, "b.csv": 300}
    why = "file: the file has changed since the run was planned; the next run reads it as it is now"
    assert (kept(space), held(space)) == (now, {"a.csv": why} if mode == "append" else {})
    run(space, pipeline_of(SOURCES["csv"], mode=mode))
    assert kept(space)["a.csv"] == 7
    assert run(space, pipeline_of(SOURCES["csv"], mode=mode)).state == "UNCHANGED"


def test_file_that_keeps_changing_is_an_error_that_says_how_to_deliver(space, meanwhile):
    put(space, a_csv=content_of("csv", 5))
    meanwhile(*(lambda n=n: put(space, a_csv=content_of("csv", n)) for n in range(6, 20)))
    with pytest.raises(SourceError) as caught:
        run(space, pipeline_of(SOURCES["csv"], mode="overwrite"))
    assert str(caught.value) == (
        "a.csv changed each time it was read; write it under a name that begins with a dot, and rename it once it is"
        " whole"
    )
    assert strays(space) == set()


def test_unfinished_run_on_a_file_that_was_replaced_since_is_made_good(space, monkeypatch):
    put(space, a_csv=content_of("csv", 5))
    monkeypatch.setattr(faults, "_hits", Counter())
    monkeypatch.setenv("SLUICE_FAULT", "stage.before:raise")
    with pytest.raises(OSError, match="fault injected"):
        run(space, pipeline_of(SOURCES["csv"], mode="overwrite"))
    monkeypatch.delenv("SLUICE_FAULT")
    put(space, a_csv=content_of("csv", 7))
    run(space, pipeline_of(SOURCES["csv"], mode="overwrite"))
    assert kept(space) == {"a.csv": 7}


def test_unfinished_run_is_judged_first_where_an_earlier_attempt_died_reading(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    monkeypatch.setattr(faults, "_hits", Counter())
    monkeypatch.setenv("SLUICE_FAULT", "stage.before:raise")
    monkeypatch.setattr(drafts, "may_be_a_file", lambda _: False)
    with pytest.raises(OSError, match="fault injected"):
        run(space)
    monkeypatch.delenv("SLUICE_FAULT")
    assert run(space, apart=True).sources["visits"].files_rejected == 1
    assert kept(space) == {"a.parquet": 2000}


def test_source_that_is_read_apart_anyway_is_so_once(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=parquet())
    judged = []

    def counting(files, *rest):
        judged.append(len(files))
        return judge_files(files, *rest)

    monkeypatch.setattr(left_out, "judge_files", counting)
    monkeypatch.setattr("framework.run.intake.judge_files", counting)
    source = guarded(parquet_files("*.parquet", schema=Visit), apart=True)
    run(space, pipeline_of(source))
    assert judged == [2]


def test_file_that_is_left_out_is_held_once_though_its_source_is_read_apart(space, meanwhile):
    put(space, a_csv_gz=content_of("csv.gz", 300), b_csv_gz=content_of("csv.gz", 300))
    meanwhile(lambda: put(space, a_csv_gz=content_of("csv.gz", 300)[:-30]))
    run(space, pipeline_of(guarded(SOURCES["csv.gz"], apart=True)))
    files = open_table(space.lake, "_quarantine/t.visits").scan().select("file").collect()["file"].to_list()
    assert files == ["a.csv.gz"]


class Interrupted(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def half_published(space, monkeypatch) -> Callable[[], None]:
    """Make an attempt that publishes the quarantine and ends before the table."""

    def attempt() -> None:
        def stop(point):
            if point == "publish.between":
                raise Interrupted

        monkeypatch.setattr("framework.run.targets.fault", stop)
        with pytest.raises(Interrupted):
            run(space)
        monkeypatch.setattr("framework.run.targets.fault", lambda _: None)

    return attempt


def test_what_the_published_quarantine_says_was_left_out_stays_so_though_it_is_mended(space, half_published):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    half_published()
    put(space, b_parquet=parquet(ROWS.head(9)))
    run(space)
    assert kept(space) == {"a.parquet": 2000, "b.parquet": 9}  # left out of sequence 1, read as changed by 2
    versions = open_table(space.lake, "visits").scan().filter(pl.col("_source_file") == "b.parquet").collect()
    assert versions.height == 9


def test_what_the_published_quarantine_says_is_not_found_out_again(space, half_published, counted):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    half_published()
    counted.clear()
    run(space, apart=True)
    assert counted == {"stage": 1}
    assert kept(space) == {"a.parquet": 2000}


def test_only_the_quarantine_of_just_that_sequence_decides(space):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    run(space)
    store = PlanStore(space.lake, "t.visits")
    assert left_out.decided(store.require(1), space).files == {("visits", "b.parquet")}
    put(space, c_parquet=parquet())
    run(space)
    assert left_out.decided(store.require(1), space) is None
    assert left_out.decided(store.require(2), space).files == frozenset()


def test_what_the_published_quarantine_says_was_read_must_be_read_by_all_attempts(space, half_published):
    put(space, a_parquet=parquet(), b_parquet=parquet())
    half_published()
    put_unseen(space, damaged(parquet()))
    for apart in (False, True):
        with pytest.raises(SourceError) as caught:
            run(space, apart=apart)
        assert str(caught.value).splitlines() == [
            "sequence 1 of t.visits is published in part, and files of it cannot be read any more:",
            "  b.parquet: damaged Parquet pages: Corrupt snappy compressed data.",
            "bring them back as they were and run again, or rebuild with --full",
        ]
    Path(space.raw.uri("b.parquet")).unlink()
    with pytest.raises(SourceError, match=r"  b.parquet: the file is gone since the run was planned\n"):
        run(space)
    assert kept(space) == {}
    run(space, full=True)
    assert kept(space) == {"a.parquet": 2000}
    put(space, b_parquet=parquet())
    run(space)
    assert kept(space) == {"a.parquet": 2000, "b.parquet": 2000}


def put_unseen(space: Workspace, content: bytes) -> None:
    """Change b.parquet without changing its size and time: as a disk does that forgets, or one that remembers again."""
    path = Path(space.raw.uri("b.parquet"))
    stamp = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(stamp, stamp))


def racing(space: Workspace, monkeypatch, before: Callable[[], object], after: Callable[[], object]) -> RunReport:
    """Run; once it has staged, another attempt publishes the quarantine of what `before` makes; then comes `after`."""
    audit, todo = flow.audit, [1]

    def overtaken(*args):
        found = audit(*args)
        if todo:
            todo.clear()
            before()
            stop = SimpleNamespace(fault=None)

            def fault(point):
                if point == "publish.between" and stop.fault is None:
                    stop.fault = point
                    raise Interrupted

            monkeypatch.setattr("framework.run.targets.fault", fault)
            with pytest.raises(Interrupted):
                run(space)
            after()
        return found

    monkeypatch.setattr(flow, "audit", overtaken)
    return run(space)


def test_attempt_that_read_all_follows_one_that_left_a_file_out_and_was_first(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=parquet())
    report = racing(space, monkeypatch, lambda: put_unseen(space, damaged(parquet())), lambda: None)
    assert kept(space) == {"a.parquet": 2000}
    assert held(space) == {"b.parquet": BROKEN}
    assert report.sources["visits"].files_rejected == 1
    assert strays(space) == set()


def test_attempt_that_left_a_file_out_follows_one_that_read_it_and_was_first(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    report = racing(space, monkeypatch, lambda: put_unseen(space, parquet()), lambda: None)
    assert kept(space) == {"a.parquet": 2000, "b.parquet": 2000}
    assert held(space) == {}
    assert report.sources["visits"].files_rejected == 0


def test_attempt_that_cannot_follow_the_first_one_publishes_nothing(space, monkeypatch):
    put(space, a_parquet=parquet(), b_parquet=damaged(parquet()))
    with pytest.raises(SourceError, match="is published in part"):
        racing(space, monkeypatch, lambda: put_unseen(space, parquet()), lambda: put_unseen(space, damaged(parquet())))
    assert kept(space) == {}
    put_unseen(space, parquet())
    run(space)
    assert kept(space) == {"a.parquet": 2000, "b.parquet": 2000}
