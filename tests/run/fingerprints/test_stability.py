"""A fingerprint is the same in every process, wherever it runs and whatever its hash seed is."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MODULE = re.search(
    r"^```python\n(.*?)^```", (ROOT / "docs/explanation/fingerprints.md").read_text(), re.DOTALL | re.MULTILINE
).group(1)
SCRIPT = (
    MODULE
    + """
import functools, json, re
from dataclasses import dataclass
from framework import run_time
from framework.run.fingerprints import node_fingerprints

KINDS = {"kg", "g", "t", "lb"}

@dataclass
class Scale:
    kinds: frozenset
    pattern: re.Pattern
    def apply(self, text):
        return text if text in self.kinds and self.pattern.match(text) else KINDS.__class__.__name__

scale = Scale(frozenset(KINDS), re.compile("k|g"))

def either(text, kinds):
    return scale.apply(text) if text in kinds else str(text in KINDS)

@step(returns=Sale)
def odd(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    name = pl.col("unit")
    return sales.filter(name.is_in(KINDS), pl.lit(run_time()).is_not_null()).with_columns(
        unit=name.replace(dict.fromkeys(KINDS, "x")),
        note=name.map_elements(functools.partial(either, kinds=KINDS), return_dtype=pl.String),
        product=name.map_elements(scale.apply, return_dtype=pl.String),
    )

sources = {"sales": csv_files("*.csv", schema=Sale)}
odd_one = Pipeline("shop.odd", sources=sources, steps=[odd], outputs=[table("a/b", of=odd)])
print(json.dumps([node_fingerprints(pipeline), node_fingerprints(odd_one)]))
"""
)


def test_a_fingerprint_is_the_same_in_every_process_and_folder(tmp_path):
    found = []
    for seed in ("0", "1", "2", "3"):
        folder = tmp_path / seed
        folder.mkdir()
        (folder / "script.py").write_text("\n" * int(seed) + SCRIPT)
        done = subprocess.run(
            [sys.executable, folder / "script.py"],
            capture_output=True,
            text=True,
            check=True,
            cwd=folder,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
        )
        found.append(json.loads(done.stdout))
    assert found == [found[0]] * 4
    assert set(found[0][0]) == {"sales", "valued", "totals"}
