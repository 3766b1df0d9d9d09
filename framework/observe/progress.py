"""Progress on a terminal: one line per pipeline with its state, rows and elapsed time. Elsewhere the log lines do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from framework.core.events import Event

_ENDS = {
    "SUCCESS": "[green]done[/]",
    "UNCHANGED": "[dim]nothing new[/]",
    "FAILED": "[red]failed[/]",
    "CANCELLED": "[yellow]cancelled[/]",
    "SKIPPED": "[yellow]skipped[/]",
}
_WORDS = {"run.begun": "looking for new input", "run.planned": "planned", "run.retry": "[yellow]trying again[/]"}


class Progress:
    """A live display. Lines of the log go through `write`, or they would break it."""

    def __init__(self, stream: TextIO, *, color: bool = True) -> None:
        from rich.console import Console
        from rich.progress import Progress as Bars
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

        self._console = Console(file=stream, no_color=not color, highlight=False)
        columns = (
            SpinnerColumn(finished_text=" "),
            TextColumn("[bold]{task.description}"),
            TextColumn("{task.fields[state]}"),
            TextColumn("{task.fields[rows]}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[usual]}"),
        )
        self._bars = Bars(*columns, console=self._console, transient=False)
        self._tasks: dict[str, Any] = {}

    def __call__(self, event: Event) -> None:
        """Show what an event changes."""
        pipeline = event.fields.get("pipeline")
        if not pipeline or (pipeline not in self._tasks and _is_quiet(event)):
            return
        if pipeline not in self._tasks:
            if not self._tasks:
                self._bars.start()
            self._tasks[pipeline] = self._bars.add_task(pipeline, total=1, state="", rows="", usual="")
        task = self._tasks[pipeline]
        state = _ENDS.get(event.fields.get("state", "")) if event.name == "run.reported" else _state(event)
        if state:
            self._bars.update(task, state=state)
        if event.fields.get("usual_s"):
            self._bars.update(task, usual=f"usually {event.fields['usual_s']:.0f} s")
        rows = _rows(event)
        if rows is not None:
            self._bars.update(task, rows=f"{rows:,} rows")
        if event.name == "run.reported":
            self._bars.update(task, completed=1)

    def write(self, line: str) -> None:
        """Print a line above the display."""
        from rich.text import Text

        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def close(self) -> None:
        """Leave the display as it stands."""
        if self._tasks:
            self._bars.stop()


def _is_quiet(event: Event) -> bool:
    """Whether an event says no more than that a pipeline waits for others, which most do: it gets no line for that."""
    return event.name == "task.state" and event.fields["state"] != "RUNNING" and not event.fields.get("reason")


def _state(event: Event) -> str | None:
    from rich.markup import escape

    if event.name == "task.state":
        return _of_task(event.fields)
    if event.name in _WORDS:
        return _WORDS[event.name]
    if event.name == "output" or event.level == "DEBUG":
        return None
    step = event.fields.get("step")
    return escape(str(step or event.name.rpartition(".")[2]))


def _rows(event: Event) -> int | None:
    report = event.fields.get("report")
    if report:
        return sum(source["rows_in"] for source in report["sources"].values()) or None
    rows = event.fields.get("rows")
    return rows if isinstance(rows, int) else None


def _of_task(fields: dict[str, Any]) -> str | None:
    """What a change of a task's state shows: what a pipeline waits for, or how far a stage of it is."""
    from rich.markup import escape

    state, reason, stage = fields["state"], fields.get("reason"), fields.get("stage")
    if stage:
        return f"stage {escape(stage)}: {state.lower()}"
    return f"[dim]{escape(reason)}[/]" if state == "QUEUED" and reason else None
