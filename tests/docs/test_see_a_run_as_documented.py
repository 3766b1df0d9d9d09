"""docs/how-to/see-a-run.md goes from an error to a mended run: its commands are run, and say what the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.calling import PATIENCE_S, environment, in_a_process

pytestmark = pytest.mark.drawn(2)

PAGE = (Path(__file__).parents[2] / "docs/how-to/see-a-run.md").read_text()
STORY = PAGE.partition("## Where the time goes")[0]
VARIES = (
    (r"\b[0-9a-f]{12}\b", "ID"),
    (r"\d+\.\d+ s\b", "0.0 s"),
    (r"\d+ MiB", "0 MiB"),
    (r"\|[# ]*\|", "|#|"),
    (r", the slowest", ""),
    (r" \(usually [^)]*\)", ""),
)


def plain(line: str) -> str:
    """A line without what is another one each time."""
    for pattern, instead in VARIES:
        line = re.sub(pattern, instead, line)
    return line.rstrip()


class Story:
    """The project of the page. `RUN` stands for the run that failed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.failed = ""

    def change(self, text: str) -> None:
        """Do what a diff says."""
        head, *lines = text.splitlines()
        file = self.folder / head.removeprefix("--- ")
        old = "\n".join(line[1:] for line in lines if line.startswith("-"))
        new = "\n".join(line[1:] for line in lines if line.startswith("+"))
        content = file.read_text()
        assert content.count(old) == 1
        file.write_text(content.replace(old, new))

    def call(self, text: str) -> None:
        """Run the commands of a block, and hold what each says against what the page says, in order."""
        for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            command, *expected = part.splitlines()
            said = [plain(line) for line in self.run(command.replace("RUN", self.failed)).splitlines()]
            rest = iter(said)
            for line in map(plain, expected):
                if not any(line == one or (line and one.startswith(f"{line} ")) for one in rest):
                    pytest.fail("\n".join([f"{command} does not say, in this place: {line}", *said]))

    def run(self, command: str) -> str:
        path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env={**environment(), **path},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        found = re.search(r"FAILED +run ([0-9a-f]{12})", done.stdout)
        self.failed = found[1] if found else self.failed
        return done.stdout + done.stderr if "debug" not in command else self._as_shown(done)

    @staticmethod
    def _as_shown(done: subprocess.CompletedProcess[str]) -> str:
        """What a terminal shows: hints before the result, errors after it."""
        hints = [line for line in done.stderr.splitlines() if not line.startswith(("error:", "next:"))]
        rest = [line for line in done.stderr.splitlines() if line.startswith(("error:", "next:"))]
        return "\n".join([*hints, done.stdout, *rest])


def test_the_page_goes_from_an_error_to_a_mended_run(tmp_path):
    story = Story(tmp_path / "shop")
    assert in_a_process("init", story.folder).returncode == 0
    assert in_a_process("-C", story.folder, "run").returncode == 0
    blocks = re.findall(r"^```(diff|console)\n(.*?)^```", STORY, re.DOTALL | re.MULTILINE)
    assert [kind for kind, _ in blocks] == ["diff", "console", "console", "diff", "console", "console"]
    for kind, text in blocks:
        (story.change if kind == "diff" else story.call)(text)
    assert story.failed
