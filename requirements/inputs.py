"""Print a fingerprint of everything in pyproject.toml that the lock files are made from.

`make lock` writes it into the head of each lock, `make lock-check` compares: no network needed.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path


def fingerprint(pyproject: Path) -> str:
    """Hash the dependency tables; order and layout of the file do not matter."""
    content = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    project = content["project"]
    inputs = {
        "python": project["requires-python"],
        "runtime": sorted(project["dependencies"]),
        "extras": {name: sorted(group) for name, group in project.get("optional-dependencies", {}).items()},
        "groups": {name: sorted(group, key=str) for name, group in content["dependency-groups"].items()},
        "build": sorted(content["build-system"]["requires"]),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


if __name__ == "__main__":
    print(fingerprint(Path(__file__).parent.parent / "pyproject.toml"))
