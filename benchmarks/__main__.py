"""`python -m benchmarks [--size smoke|core] [--rounds N] [--only WORD ...] [--peers]`: measure, print the ratios."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import data, events, history, refused, rules, wide
from benchmarks.measure import Case, Sample, measure, medians, python, ratio
from benchmarks.side_by_side import MANY

if TYPE_CHECKING:
    from collections.abc import Callable

CACHE = Path(os.environ.get("SLUICE_BENCH_DATA", Path(tempfile.gettempdir()) / "sluice-bench"))
SIZES = {"smoke": (400_000, 40), "core": (20_000_000, 1_000)}
MOST_ORDERS = 5_000_000
CONTROL = "control"


@dataclass(frozen=True)
class Comparison:
    """Two programs held against each other: ours and the limit, and what the ratios may be at most."""

    name: str
    ours: str
    limit: str
    most: dict[str, float]
    data: str
    note: str = ""
    peer: str = ""
    is_slow: bool = False
    limit_data: str = ""

    @property
    def against(self) -> str:
        """What the limit is called: its program, and its data where they are not ours."""
        return f"{self.limit} ({self.limit_data})" if self.limit_data else self.limit


COMPARISONS = [
    Comparison("a year from Parquet", "year", "year_by_hand", {"wall_s": 1.10, "cpu_s": 1.10, "rss_mb": 1.3}, "year"),
    Comparison("checked and split", "checked_copy", "copy", {"cpu_s": 1.4}, "year"),
    Comparison("reading a gigabyte of CSV", "read_csv", "bare_csv", {"wall_s": 1.15, "cpu_s": 1.15}, "csv"),
    Comparison("a gigabyte of CSV, the whole run", "gigabyte", "bare_csv", {}, "csv", "memory: see below"),
    Comparison(
        "a malformed line in a thousand",
        "read_csv",
        "read_csv",
        {"wall_s": 1.3, "cpu_s": 1.3},
        "malformed",
        limit_data="csv",
    ),
    Comparison("an incremental day", "one_day", "full_year", {"wall_s": 0.1, "cpu_s": 0.1}, "late"),
    Comparison("sessions and journeys", "journeys", "journeys_by_hand", {"cpu_s": 1.3, "wall_s": 1.3}, "events"),
    Comparison("sessions", "sessions", "sessions_by_hand", {"cpu_s": 1.3, "wall_s": 1.3}, "events"),
    Comparison("journeys and pandas", "journeys", "journeys_in_pandas", {"wall_s": 0.1}, "million", peer="pandas"),
    Comparison(
        "journeys and pandas user by user",
        "journeys",
        "journeys_in_pandas_by_user",
        {"wall_s": 0.1},
        "million",
        peer="pandas",
        is_slow=True,
    ),
    Comparison("sessions and pandas", "sessions", "sessions_in_pandas", {"wall_s": 0.1}, "million", peer="pandas"),
    Comparison("windows a hundred times as long", "sliding_long", "sliding_short", {"cpu_s": 1.2}, "events"),
    Comparison("ten rules", "orders_by_10", "orders_copied", {"cpu_s": 1.3}, "orders"),
    Comparison("forty rules", "orders_by_40", "orders_copied", {"cpu_s": 2.2}, "orders"),
    Comparison(
        "ten rules and dataframely",
        "orders_typed",
        "orders_in_dataframely",
        {"cpu_s": 1.0},
        "orders",
        peer="dataframely",
    ),
    Comparison("ten rules and Pandera", "orders_typed", "orders_in_pandera", {"cpu_s": 0.7}, "orders"),
    Comparison(
        "a join under ten rules and Pandera", "join_typed", "join_in_pandera", {"cpu_s": 0.25, "wall_s": 0.25}, "orders"
    ),
    Comparison("ten times the orders", "orders_by_10", "orders_by_10", {"rss_mb": 1.2}, "many", limit_data="orders"),
    Comparison("a unique key of many orders", "orders_unique", "orders_by_10", {"cpu_s": 1.5}, "many", "within 1 GB"),
    Comparison("a run and its profile", "wide_profiled", "wide_run", {"cpu_s": 1.4}, "wide"),
    Comparison("a replay and a load", "refused_replayed", "refused_loaded", {"cpu_s": 2.0}, "refused"),
    Comparison("a report on a year of quality", "quality_of_a_year", "imports", {}, "history", "within 5 s"),
    Comparison("two pipelines at once", "two_at_once", "two_in_turn", {"wall_s": 0.625}, "none", "1.6 times as fast"),
    Comparison("twenty small pipelines", "many_by_command", "many_in_place", {}, "none", "0.4 s of CPU for each"),
    Comparison("nothing new", "nothing_new", "imports", {"cpu_s": 1.5}, "year"),
]


def main() -> int:
    """Make the data, measure every comparison, print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="smoke")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--peers", action="store_true", help="install the peers that are not there")
    wanted = parser.parse_args()
    rows, megabytes = SIZES[wanted.size]
    print(f"{rows:,} lines or events, {megabytes} MB of CSV, {wanted.rounds} rounds, {versions()}")
    print(f"load before: {os.getloadavg()[0]:.1f}")
    for comparison in COMPARISONS:
        if wanted.only and not any(word in comparison.name for word in wanted.only):
            continue
        if comparison.peer and not peer_python(comparison.peer, install=wanted.peers):
            print(f"\n{comparison.name}: not run, {comparison.peer} is not there; --peers installs it")
            continue
        for what in filter(None, (comparison.data, comparison.limit_data)):
            make_data(wanted.size, what)
        show(comparison, run(comparison, CACHE / wanted.size, wanted.rounds))
    return 0


def peer_python(name: str, *, install: bool = False) -> str:
    """The interpreter of a peer's own environment, made from `peers/<name>.txt` where asked for; empty: not there."""
    folder = CACHE / "peers" / name
    if install and not (folder / "done").exists():
        uv = [str(Path(sys.executable).with_name("uv")), "--quiet"]
        subprocess.run([*uv, "venv", "--clear", "--python", sys.executable, str(folder)], check=True)
        wanted = Path(__file__).with_name("peers") / f"{name}.txt"
        place = ["--system-certs", "--python", str(folder / "bin/python"), "--requirements", str(wanted)]
        subprocess.run([*uv, "pip", "install", *place], check=True)
        (folder / "done").touch()
    return str(folder / "bin/python") if (folder / "done").exists() else ""


def make_data(size: str, what: str) -> Path:
    """Make the input of a comparison once, outside the repository; gives the folder of all inputs of its size."""
    folder = CACHE / size
    rows, megabytes = SIZES[size]
    if (folder / what / "done").exists():
        return folder
    shutil.rmtree(folder / what, ignore_errors=True)
    (folder / what).mkdir(parents=True)
    if what in {"year", "late"}:
        data.year_of_parquet(folder / what, rows)
    if what == "csv":
        data.one_csv(folder / what, megabytes)
    if what == "malformed":
        data.spoil(make_data(size, "csv") / "csv/sales/sales.csv", folder / what / "sales/sales.csv")
    if what in {"year", "late", "csv", "malformed"}:
        data.products(folder / what)
    if what in {"events", "million"}:
        events.month_of_events(folder / what, rows if what == "events" else min(rows, 1_000_000))
    if what in {"orders", "many"}:
        few = min(rows, MOST_ORDERS)
        rules.write_orders(folder / what, few if what == "orders" else 10 * few)
    _make_with_before(folder / what, what, rows)
    if what == "late":
        _make_lake_of_the_year(folder, size)
        data.a_late_day(folder / what, rows)
    (folder / what / "done").touch()
    return folder


def _make_with_before(folder: Path, what: str, rows: int) -> None:
    """Make input that is measured on the tables of an earlier run, which are kept in `before`."""
    if what == "wide":
        wide.write_before(folder)
        _case("wide_profiled", folder, folder / "before")
        wide.write_parcels(folder, rows)
    if what == "refused":
        refused.write_sales(folder)
        _case("refused_held", folder, folder / "before")
    if what == "history":
        history.write_history(folder, days=365)


def _make_lake_of_the_year(folder: Path, size: str) -> None:
    """Make the tables that a late day is added to."""
    make_data(size, "year")
    base = folder / "lake_of_the_year"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir()
    _case("year", folder / "year", base)
    _case("full_daily", folder / "year", base)


def _case(name: str, source: Path, scratch: Path) -> None:
    subprocess.run(python(name, source, scratch), check=True)


def run(comparison: Comparison, folder: Path, rounds: int) -> dict[str, list[Sample]]:
    """Measure ours, the limit, and the limit once more under another name: how far equal things differ here."""
    scratch = CACHE / "scratch"
    source = folder / comparison.data
    prepare: Callable[[Path], None] | None = None
    if comparison.name == "an incremental day":
        prepare = lambda place: shutil.copytree(folder / "lake_of_the_year", place, dirs_exist_ok=True) and None  # noqa: E731
    if (source / "before").exists():
        prepare = lambda place: shutil.copytree(source / "before", place, dirs_exist_ok=True) and None  # noqa: E731
    ours = Case(comparison.ours, python(comparison.ours, source, scratch), prepare)
    if comparison.ours == "nothing_new":
        ours = _nothing_new(folder)
    place = folder / (comparison.limit_data or comparison.data)
    limit = python(comparison.limit, place, scratch, peer_python(comparison.peer) or sys.executable)
    cases = [ours, Case(comparison.against, limit, prepare)]
    if comparison.is_slow:  # minutes a run: once, and nothing to hold it against
        return measure(cases, scratch, 1, warm_up=False)
    cases.append(Case(CONTROL, limit, prepare))
    if comparison.data == "csv":
        cases.append(Case("idle", python("idle", source, scratch)))
    return measure(cases, scratch, rounds)


def _nothing_new(folder: Path) -> Case:
    """`sluice run retail` where nothing is new: supervisor and child, nine pipelines."""
    raw = folder / "retail"
    env = {
        "SLUICE_RAW": str(raw),
        "SLUICE_LAKE": str(folder / "retail_lake"),
        "SLUICE_LEDGER": f"sqlite:///{folder}/retail.db",
        "SLUICE_LOGS": str(folder / "logs"),
    }
    command = [sys.executable, "-m", "framework.cli.main", "run", "retail", "--quiet"]
    if not raw.exists():
        subprocess.run(
            [sys.executable, "-m", "framework.cli.main", "sample", "retail", "--out", str(raw)], check=True, stdout=-3
        )
    return Case("nothing_new", command, lambda _: _settle(command, env), env)


def _settle(command: list[str], env: dict[str, str]) -> None:
    subprocess.run(command, env={**os.environ, **env}, check=True, stdout=subprocess.DEVNULL)


def show(comparison: Comparison, samples: dict[str, list[Sample]]) -> None:
    """Print one comparison: medians, ratios with their spread, the control, the verdict."""
    print(f"\n{comparison.name}: {comparison.ours} against {comparison.against}")
    for name, found in samples.items():
        one = medians(found)
        print(f"  {name:22} wall {one.wall_s:8.2f} s   cpu {one.cpu_s:8.2f} s   peak {one.rss_mb:7.0f} MiB")
    for what in ("wall_s", "cpu_s", "rss_mb"):
        middle, least, most = ratio(samples, comparison.ours, comparison.against, what)
        told = "run once, no control"
        if CONTROL in samples:
            told = f"control {ratio(samples, CONTROL, comparison.against, what)[0]:.2f}"
        verdict = ""
        if what in comparison.most:
            verdict = f"   at most {comparison.most[what]}: {'met' if middle <= comparison.most[what] else 'MISSED'}"
        print(f"  {what:7} x {middle:5.2f} ({least:.2f}..{most:.2f})   {told}{verdict}")
    if comparison.ours == "many_by_command":
        more = medians(samples[comparison.ours]).cpu_s - medians(samples[comparison.against]).cpu_s
        print(f"  CPU that each pipeline takes more: {more / MANY:.3f} s (at most 0.4)")
    if "idle" in samples:
        above = medians(samples[comparison.ours]).rss_mb - medians(samples["idle"]).rss_mb
        print(f"  memory above an idle imported process: {above:.0f} MiB (at most 256)")


def versions() -> str:
    """The versions that decide."""
    from importlib.metadata import version

    return ", ".join(f"{name} {version(name)}" for name in ("polars", "deltalake", "pandera"))


if __name__ == "__main__":
    sys.exit(main())
