"""Built-in checks: from what stands at their key to Pandera's check, and back."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from pandera import Check

from framework.boundary.terms import set_terms, terms_of
from framework.boundary.wording import message_of
from framework.boundary.yaml_schema.forms import kind_of, plain_example, read_keys, read_text
from framework.boundary.yaml_schema.keys import CHECKS, LENGTH, OPTIONS, RANGE, SPELLINGS, Key
from framework.boundary.yaml_schema.types import read_type, write_type
from framework.boundary.yaml_schema.values import read_value, write_values
from framework.core.rule import Terms
from framework.core.yaml_document import Mapping, Scalar, Sequence
from framework.errors import SchemaError

if TYPE_CHECKING:
    import polars as pl

    from framework.boundary.yaml_schema.keys import CheckForm
    from framework.core.yaml_document import Findings, Node

VALUE, TYPE = "value", "as"
ENDS = 2
EXAMPLES = {"holds": "holds_for", "breaks": "breaks_for"}
"""Examples of a rule, as Python calls them and as the format does."""
ARGUMENTS = {"range": RANGE, "length": LENGTH}
AS_IN_PANDERA = ("name", "ignore_na", "title", "description")
FLAGS = {"include_min", "include_max"}
BY_NAME = {form.name: form for form in CHECKS.values()}


def read_check(key: str, node: Node, dtype: pl.DataType | None, path: str, findings: Findings) -> Check | None:
    """Make the check that stands at a key of a column; None, with what is wrong noted, where it cannot be made.

    Args:
        key: The check, in any of its spellings.
        node: What stands there: its value, or a mapping of its value and options.
        dtype: The type of the column, in which values are read; None for a check of rows.
        path: Where it is from the top of the document.
        findings: What is wrong is noted here.
    """
    form = CHECKS[SPELLINGS[key]]
    options: dict[str, Any] = {}
    given: Node | dict[str, Node] = node
    if isinstance(node, Mapping):
        own = (*ARGUMENTS.get(form.argument, (VALUE,)), TYPE)
        options = read_keys(node, {**{name: Key(name, "value", "") for name in own}, **OPTIONS}, path, findings)
        given = {name: value for name, value in node.entries.items() if name in own}
    try:
        arguments = _arguments(form, given, dtype)
        require_free_name(options.get("name"), form.name)
        return make_check(getattr(Check, form.name), options, **arguments)
    except SchemaError as error:
        findings.add(node, path, str(error))
    except re.error as error:
        findings.add(node, path, f"is no pattern: {error}")
    except (ValueError, TypeError, ArithmeticError) as error:
        findings.add(node, path, f"Pandera refuses it: {error}")
    return None


def make_check(maker: Any, options: dict[str, Any], **arguments: Any) -> Check:
    """Make a check of Pandera with the options of the format."""
    said: dict[str, Any] = {name: options[name] for name in AS_IN_PANDERA if name in options}
    if "message" in options:
        said["error"] = options["message"]
    if options.get("severity") == "warning":
        said["raise_warning"] = True
    check: Check = maker(**arguments, **said)
    examples = {key: tuple(options.get(name, ())) for key, name in EXAMPLES.items()}
    set_terms(check, Terms(options.get("owner"), options.get("budget"), **examples))
    return check


def require_free_name(name: str | None, own: str = "") -> None:
    """Refuse the name of a built-in check for another, which Pandera would take for it.

    Raises:
        SchemaError: when it is one.
    """
    if name is not None and name != own and name in BY_NAME:
        raise SchemaError(f"'{name}' is the name of a built-in check; choose another")


def is_built_in(check: Check) -> bool:
    """Whether a check has a key of its own."""
    return check.registry_name in BY_NAME


def write_check(check: Check, dtype: pl.DataType | None) -> dict[str, Any]:
    """Give a built-in check as its key with what stands there.

    Raises:
        SchemaError: when YAML has no words for one of its values.

    >>> import polars as pl
    >>> write_check(Check.ge(0, raise_warning=True), pl.Int64())
    {'ge': {'value': 0, 'severity': 'warning'}}
    """
    form = BY_NAME[str(check.registry_name)]
    said, named = _said(form, check.statistics or {}, dtype)
    options = write_options(check, form)
    if named is not None:
        options = {TYPE: write_type(named), **options}
    if not options:
        return {form.key: said}
    return {form.key: {**(said if isinstance(said, dict) else _spread(form, said)), **options}}


def write_options(check: Check, form: CheckForm | None = None) -> dict[str, Any]:
    """Give the options of a check; of a built-in one, those that it does not have by itself."""
    error = str(check.error or "")
    is_own = bool(error) and not (form and error.startswith(f"{form.name}("))
    values = (check.statistics or {}).get(form.parameter) if form and form.argument == "values" else []
    if not is_own and not isinstance(values, list | tuple | set | frozenset):
        error, is_own = message_of(check), True  # which shows the values as they were given
    terms = terms_of(check)
    said = {
        "name": check.name if form is None or check.name != form.name else None,
        "message": error if is_own else None,
        "severity": "warning" if check.raise_warning else None,
        "ignore_na": None if check.ignore_na else False,
        "owner": terms.owner,
        "budget": terms.budget,
        "title": check.title,
        "description": check.description and inspect.cleandoc(str(check.description)),
        **{name: [plain_example(one) for one in getattr(terms, key)] or None for key, name in EXAMPLES.items()},
    }
    return {option: value for option, value in said.items() if value is not None}


def _arguments(form: CheckForm, given: Node | dict[str, Node], dtype: pl.DataType | None) -> dict[str, Any]:
    if isinstance(given, dict):
        named = given.get(TYPE)
        judged = read_type(read_text(named)) if named is not None else dtype
        if form.argument in ARGUMENTS:
            return _ends({name: value for name, value in given.items() if name != TYPE}, form, judged)
        if VALUE not in given:
            raise SchemaError(f"has no '{VALUE}'; write {VALUE}: beside its options")
        return {form.parameter: _argument(form, given[VALUE], judged)}
    if form.argument in ARGUMENTS:
        return _ends(_short(form, given), form, dtype)
    return {form.parameter: _argument(form, given, dtype)}


def _argument(form: CheckForm, node: Node, dtype: pl.DataType | None) -> Any:
    if form.argument == "text":
        return read_text(node)
    if form.argument == "values":
        if not isinstance(node, Sequence):
            raise SchemaError(f"must be a list of values, got {kind_of(node)}")
        return [read_value(item, dtype) for item in node.items]
    value = read_value(node, dtype)
    if value is None:
        raise SchemaError("has no value")
    return value


def _short(form: CheckForm, node: Node) -> dict[str, Node]:
    """The short ways to write ends: both in a list, or one length."""
    if isinstance(node, Sequence) and len(node.items) == ENDS:
        return dict(zip(("min_value", "max_value"), node.items, strict=True))
    if form.argument == "length" and isinstance(node, Scalar):
        return {"exact_value": node}
    also = "a number, " if form.argument == "length" else ""
    names = ", ".join(ARGUMENTS[form.argument])
    raise SchemaError(f"must be {also}two values as [from, to] or a mapping of {names}; got {kind_of(node)}")


def _ends(given: dict[str, Node], form: CheckForm, dtype: pl.DataType | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, node in given.items():
        if name in FLAGS:
            if not isinstance(node, Scalar) or not isinstance(node.value, bool):
                raise SchemaError(f"{name} must be true or false, got {kind_of(node)}")
            found[name] = node.value
        elif form.argument == "length":
            if not isinstance(node, Scalar) or not isinstance(node.value, int) or isinstance(node.value, bool):
                raise SchemaError(f"{name} must be a whole number, got {kind_of(node)}")
            found[name] = node.value
        else:
            found[name] = read_value(node, dtype)
    return found


def _said(form: CheckForm, statistics: dict[str, Any], dtype: pl.DataType | None) -> tuple[Any, pl.DataType | None]:
    """What a check says in the shortest way, and the type that must be named with it."""
    if form.argument == "text":
        given = statistics[form.parameter]
        return getattr(given, "pattern", given), None
    if form.argument == "values":
        values = statistics[form.parameter]
        return write_values(sorted(values, key=str) if isinstance(values, set | frozenset) else values, dtype)
    if form.argument == "value":
        plain, named = write_values([statistics[form.parameter]], dtype)
        return ({VALUE: plain[0]} if isinstance(plain[0], dict) else plain[0]), named
    if form.argument == "length":
        return _short_length({name: statistics[name] for name in LENGTH if statistics.get(name) is not None}), None
    ends, named = write_values([statistics["min_value"], statistics["max_value"]], dtype)
    left_out = {name: False for name in ("include_min", "include_max") if not statistics[name]}
    return ({"min_value": ends[0], "max_value": ends[1], **left_out} if left_out else ends), named


def _short_length(said: dict[str, Any]) -> Any:
    if set(said) == {"exact_value"}:
        return said["exact_value"]
    return [said["min_value"], said["max_value"]] if set(said) == {"min_value", "max_value"} else said


def _spread(form: CheckForm, said: Any) -> dict[str, Any]:
    """The long way to write what a check says, beside which options can stand."""
    if form.argument in ARGUMENTS and isinstance(said, list):
        return {"min_value": said[0], "max_value": said[1]}
    return {"exact_value" if form.argument == "length" else VALUE: said}
