"""Files of rules alone: `load_rules("rules/retail.yaml")`, for sources and steps, or for a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.boundary.business import rule
from framework.boundary.sql import parse_sql
from framework.boundary.yaml_schema.forms import below, kind_of, read_keys, read_text
from framework.boundary.yaml_schema.keys import AGREE, ALONE, REFERENCES
from framework.core.across import agree, references
from framework.core.project_files import read_file
from framework.core.rule import term_mistakes
from framework.core.yaml_document import Findings, Mapping, Scalar, Sequence, read_document
from framework.errors import DefinitionError, SchemaError

if TYPE_CHECKING:
    from framework.boundary.yaml_schema.keys import Key
    from framework.core.rule import AnyRule
    from framework.core.yaml_document import Node

ENDINGS = (".yaml", ".yml")
WAYS = ("holds", "agree", "references")
NEEDED = {"agree": ("left", "right", "on"), "references": ("of", "column", "to")}


def load_rules(path: str | Path) -> tuple[AnyRule, ...]:
    """Load a file of rules, for `rules=` of a source, a step or a pipeline.

    Rules over rows say `holds`; rules across tables say `agree` or `references`.

    Args:
        path: Its path from the project's folder, such as `rules/retail.yaml`.

    Raises:
        DefinitionError: naming everything that is wrong with it, each with line and column.
    """
    _, content = read_file(path, ENDINGS, "rules")
    return read_rules(content, Path(path).as_posix())


def read_rules(content: bytes, file: str) -> tuple[AnyRule, ...]:
    r"""Read a document of rules.

    Args:
        content: The document.
        file: What to call it in messages.

    Raises:
        DefinitionError: naming everything that is wrong with it.

    >>> text = "rules:\n  - {name: sold, holds: quantity > 0, message: 'quantity: must be sold'}"
    >>> [one.name for one in read_rules(text.encode(), "rules.yaml")]
    ['sold']
    """
    findings = Findings()
    root = read_document(content, file, findings)
    given = root.entries.get("rules") if isinstance(root, Mapping) else None
    if not isinstance(given, Sequence) or (isinstance(root, Mapping) and set(root.entries) != {"rules"}):
        findings.add(root, "", "a file of rules has one key, rules, with a list", "write rules: at the top")
    found = [
        _rule(node, f"rules[{n}]", findings)
        for n, node in enumerate(given.items if isinstance(given, Sequence) else ())
    ]
    findings.settle()
    return tuple(one for one in found if one is not None)


def _rule(node: Node, path: str, findings: Findings) -> AnyRule | None:
    if not isinstance(node, Mapping):
        findings.add(node, path, f"must be a mapping, got {kind_of(node)}")
        return None
    before = len(findings.found)
    said = read_keys(node, ALONE, path, findings)
    ways = [way for way in WAYS if way in node.entries]
    if len(ways) != 1:
        what = f"says {' and '.join(ways)}" if ways else "does not say what is asked"
        findings.add(node, path, what, "say one of holds: <SQL>, agree: and references:")
    for name in ("name", *(("message",) if "holds" in ways else ())):
        if name not in node.entries:
            findings.add(node, path, f"has no {name}", f"write {name}: beside it")
    if "agree" in ways and "budget" in node.entries:
        fix = "say how far the two may be apart: within: below agree"
        findings.add(node.keys["budget"], below(path, "budget"), "counts rows, and sums are compared", fix)
    if ways and ways[0] != "holds":
        said |= _across(node.entries[ways[0]], ways[0], path, findings)
    if len(findings.found) > before:
        return None
    return _made(node, ways[0], said, path, findings)


def _across(node: Node, way: str, path: str, findings: Findings) -> dict[str, Any]:
    """What stands below `agree` or `references`."""
    keys, at = {"agree": AGREE, "references": REFERENCES}[way], below(path, way)
    if not isinstance(node, Mapping):
        findings.add(node, at, f"must be a mapping of {', '.join(keys)}, got {kind_of(node)}")
        return {}
    for name in NEEDED[way]:
        if name not in node.entries:
            findings.add(node, at, f"has no {name}", f"write {name}: below {way}")
    said = read_keys(node, keys, at, findings)
    for name, value in node.entries.items():
        try:
            said.update(_read(name, value, keys))
        except SchemaError as error:
            findings.add(value, below(at, name), str(error))
    return said


def _read(name: str, node: Node, keys: dict[str, Key]) -> dict[str, Any]:
    """The keys of rules across tables whose values no other rule has."""
    form = keys[name].form if name in keys else ""
    if form == "tolerance":
        if not isinstance(node, Scalar) or node.value is None:
            raise SchemaError(f"must be a number, or a share such as 0.5%, got {kind_of(node)}")
        return {name: node.text}
    if form == "pair":
        sides = (
            (node.entries.get("left", node), node.entries.get("right", node)) if isinstance(node, Mapping) else (node,)
        )
        texts = tuple(read_text(side) for side in sides)
        for text in texts:
            parse_sql(text)
        return {name: texts if len(texts) > 1 else texts[0]}
    if form == "columns of both":
        if isinstance(node, Mapping):
            return {name: {left: read_text(right) for left, right in node.entries.items()}}
        items = node.items if isinstance(node, Sequence) else (node,)
        return {name: [read_text(item) for item in items]}
    return {}


def _made(node: Mapping, way: str, said: dict[str, Any], path: str, findings: Findings) -> AnyRule | None:
    options = {name: said[name] for name in said if name not in {"name", "holds", "holds_for", "breaks_for"}}
    options |= {"holds": said.get("holds_for", ()), "breaks": said.get("breaks_for", ())}
    try:
        if way == "holds":
            parse_sql(said["holds"])
            return rule(said["name"], said["holds"], **options)
        maker: Any = agree if way == "agree" else references
        made: AnyRule = maker(said["name"], **options)
    except SchemaError as error:
        findings.add(node.entries[way], below(path, way), str(error))
    except DefinitionError as error:
        for problem in error.problems:
            findings.add(node, path, problem.what, problem.fix)
    else:
        for what, fix in term_mistakes(made):
            findings.add(node, path, what, fix)
        return made
    return None
