"""The entry point: global flags, the commands by name, and what the exit code says about each way to fail."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter

from framework.cli.breakers import breakers_list
from framework.cli.options import Exit, Options, choose, current
from framework.cli.output import give_up_output
from framework.cli.rules import rules_list
from framework.cli.runs import runs_list
from framework.errors import AuthorError, ConfigurationError, DefinitionError, SelectionError, SluiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS = {
    "init": "Make a small project that runs.",
    "sample": "Generate input for a domain's pipelines.",
    "check": "Check the definitions without reading any data.",
    "test": "Try every step on input made from its schemas.",
    "check-files": "Read every file of a folder and say what became of it.",
    "ls": "List pipelines in the order in which they run.",
    "plan": "Show what a run would do, and why.",
    "run": "Run pipelines: all of them, or a selection.",
    "retry": "Run again what came to nothing in an earlier run.",
    "show": "Show rows of a source, a step or an output, without writing.",
    "debug": "Open a step of a past run, on the inputs that the run pinned.",
    "replay": "Run a past run again on its pinned inputs, and compare what comes out.",
    "logs": "Show the log of a run.",
    "cancel": "Ask a run to stop, wherever it runs.",
    "doctor": "Look for what is wrong: versions, settings, storage, ledger, lake.",
}
GROUPS = {
    "table": ("Look into the tables of the lake.", {"list": "List the tables.", "show": "Show rows of a table."}),
    "quarantine": (
        "Look at what was not accepted, mend it and have it judged again.",
        {
            "list": "Count by reason, by run, or which rules are broken together.",
            "show": "Show rows with their reasons.",
            "export": "Write rows to a CSV file or a workbook, to be corrected.",
            "mend": "Load corrections back, or correct one row.",
            "replay": "Have rows judged again by a run.",
            "discard": "Put rows aside for good.",
            "prune": "Remove rows that were closed long ago.",
        },
    ),
}
GROUPS["schema"] = (
    "Look into the schemas of pipelines and tables, and change them.",
    {
        "list": "List the schemas, and where each is used.",
        "show": "Show columns and rules of a schema, or write it as YAML or JSON Schema.",
        "format": "Print the JSON Schema of schemas in YAML, for editors.",
        "diff": "Show what changed between two versions of a table's schema.",
        "check": "Hold the declared schemas against those of the tables and who reads them.",
        "history": "List the versions of a table's schema.",
        "migrate": "Bring the rows of a table to its declared schema.",
    },
)
GROUPS["quality"] = (
    "Look at the quality of what runs staged.",
    {
        "report": "Report on a run: score, findings, profile, history.",
        "history": "List a metric run by run.",
        "profile": "Profile a table now.",
        "compare": "Compare two versions or tables.",
        "pin": "Pin the band of a metric, or list the pins.",
    },
)
GROUPS["breakers"] = (
    "Look at the circuit breakers of sources.",
    {
        "list": "List them; `sluice breakers` alone does the same.",
        "reset": "Close one by hand.",
    },
)
GROUPS["runs"] = (
    "Look at the latest runs, or at one of them.",
    {
        "list": "List the latest runs; `sluice runs` alone does the same.",
        "show": "Show one run in detail.",
        "timeline": "Show the runs of one `sluice run` as bars over time, and what decided how long it took.",
    },
)
GROUPS["rules"] = (
    "List the rules of pipelines, and try each on its examples.",
    {
        "list": "List the rules; `sluice rules` alone does the same.",
        "show": "Show all of a rule.",
        "test": "Try each rule alone on the examples of its definition.",
    },
)
GROUPS["audit"] = (
    "Look at what was done here, and whether the record of it is whole.",
    {"list": "List the latest entries.", "verify": "Follow the chain of entries and say where it was changed."},
)
GROUPS["cache"] = (
    "Look at the rows of checkpoints that are kept for later runs, or remove them.",
    {"list": "List what is kept.", "clear": "Remove what is kept, or show what would be removed."},
)
DEFAULTS: dict[str, Callable[..., int]] = {"breakers": breakers_list, "runs": runs_list, "rules": rules_list}
"""What a group does when no command of it is named."""
HOMES = {f"schema_{command}": "schema_registry" for command in ("diff", "check", "history", "migrate")}
HOMES["runs_timeline"] = "run_timeline"
"""The modules of commands that are not in the one named like their group."""
GROUPS["table"][1]["history"] = "List the versions of a table and the runs that made them."


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"sluice {version('sluice')}"
    except PackageNotFoundError:  # run from a source tree that is not installed
        return "sluice (not installed)"


def build() -> App:
    """Name the commands. Their modules are imported when they are called."""
    app = App(
        name="sluice",
        help="Data frame pipelines, checked at every boundary and published to Delta Lake.",
        version=_version,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    for name, help_text in COMMANDS.items():
        module = name.replace("-", "_")
        app.command(f"framework.cli.{module}:{module}", name=name, help=help_text)
    for name, (help_text, commands) in GROUPS.items():
        group = App(name=name, help=help_text)
        for command, line in commands.items():
            module = HOMES.get(f"{name}_{command}", name)
            group.command(f"framework.cli.{module}:{name}_{command}", name=command, help=line)
        if name in DEFAULTS:
            group.default(DEFAULTS[name])
        app.command(group)

    @app.meta.default
    def launch(
        *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
        project: Annotated[str, Parameter(name=("--project", "-C"), help="The project's folder.")] = ".",
        json: Annotated[bool, Parameter(negative="", help="One JSON document on standard output.")] = False,
        quiet: Annotated[bool, Parameter(name=("--quiet", "-q"), negative="", help="Errors only.")] = False,
        verbose: Annotated[
            int, Parameter(name=("--verbose", "-v"), count=True, negative="", help="Say more; -vv for debugging.")
        ] = 0,
        no_color: Annotated[bool, Parameter(negative="", help="No colours; NO_COLOR does the same.")] = False,
        log_format: Annotated[Literal["auto", "text", "json"] | None, Parameter(help="Form of the log lines.")] = None,
        debug: Annotated[bool, Parameter(negative="", help="Tracebacks with errors.")] = False,
    ) -> Any:
        from pathlib import Path

        choose(Options(Path(project), json, quiet, verbose, not no_color, log_format, debug))
        if no_color:
            os.environ["NO_COLOR"] = "1"
        if not Path(project).is_dir():
            raise ConfigurationError(f"--project {project}: there is no such folder")
        return app(tokens)

    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code."""
    if os.getpid() == 1:  # the kernel ignores signals of a container's first process unless it handles them
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.TERMINATED))
    try:
        code = build().meta(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        give_up_output()
        return Exit.OK
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except (CycloptsError, SluiceError) as error:
        return _fail(error, exit_code_of(error))
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - panics of Polars are no Exception
        from framework.cli.crash import report_crash

        return report_crash(error)
    return int(code) if code is not None else Exit.OK


def exit_code_of(error: Exception) -> Exit:
    """What an error on the way means to whoever called."""
    if isinstance(error, SelectionError):
        return Exit.NO_MATCH
    if isinstance(error, (CycloptsError, ConfigurationError, AuthorError)):
        return Exit.USAGE
    return Exit.UNREACHABLE if getattr(error, "kind", "") == "transient" else Exit.FAILED


def _fail(error: Exception, code: Exit) -> int:
    from framework.cli.crash import say_error

    message = str(error)
    if isinstance(error, CycloptsError):
        message = f"{message.rstrip('.')}; `sluice --help` lists commands and flags"
    if isinstance(error, DefinitionError) and not current().json:
        from framework.cli.excerpts import with_excerpts

        message = with_excerpts(message)
    say_error(
        message,
        kind=getattr(error, "kind", "usage"),
        name=type(error).__name__,
        trace=error if current().debug else None,
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
