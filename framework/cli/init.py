"""`sluice init`: a small project that runs."""

from __future__ import annotations

from pathlib import Path

from framework.cli.options import Exit, current
from framework.cli.output import hint, plural, show
from framework.errors import ConfigurationError

TEMPLATE = Path(__file__).with_name("template")
ENDING = ".txt"


def init(directory: str = ".") -> int:
    """Make a small project that runs: a pipeline, its schemas, sample input and a test. Overwrites nothing.

    Args:
        directory: Where; created when it is not there.
    """
    target = current().project / directory
    files = {target / _name(source): source for source in sorted(TEMPLATE.rglob(f"*{ENDING}"))}
    there = [str(path.relative_to(target)) for path in files if path.exists()]
    if target.exists() and not target.is_dir():
        raise ConfigurationError(f"{target} is a file; name a folder")
    if there:
        raise ConfigurationError(f"{target} already has {', '.join(there)}; nothing was written, name another folder")
    for path, source in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.read_bytes())
    written = [str(path.relative_to(target)) for path in files]
    show(
        {"project": str(target), "files": written},
        lambda: [f"{plural(len(written), 'file')} in {target}:", *(f"  {name}" for name in written)],
    )
    enter = [] if directory == "." else [f"  cd {target}"]
    hint("next:", *enter, "  sluice run", "  sluice quarantine list", *(["  sluice table list"] if not enter else []))
    return Exit.OK


def _name(source: Path) -> Path:
    """The file's place in the project: `dot-` stands for a leading dot."""
    relative = source.relative_to(TEMPLATE)
    name = relative.name.removesuffix(ENDING)
    return relative.with_name(f".{name.removeprefix('dot-')}" if name.startswith("dot-") else name)
