"""`sluice rules`: the rule book of a project, one rule in full, and each rule on the examples of its definition."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, plural, show
from framework.errors import SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from framework.run.rule_book import RuleEntry
    from framework.testing.rules import TriedRule

LISTED = ("rule", "where", "kind", "severity", "owner", "message", "budget", "examples")
PLACES = 2
"""So many places of a rule are listed; `show` has all."""
WORDS = {"passed": "ok", "failed": "FAILED", "untested": "untested"}


def rules_list(
    *selection: str,
    owner: str | None = None,
    kind: Literal["row", "window", "dataset", "reference", "agreement"] | None = None,
    named: Annotated[bool, Parameter(negative="")] = False,
    format: Literal["table", "markdown"] = "table",  # noqa: A002 - a flag
) -> int:
    """List the rules of pipelines: where each stands, who answers for it, and what a row that breaks it is told.

    Args:
        selection: Names such as `retail.sales`, or a domain such as `retail`. Default: every pipeline.
        owner: Only the rules of this owner.
        kind: Only rules of this kind.
        named: Only business rules: no built-in checks of columns, `unique` and references of files.
        format: `markdown` writes a document to be published.
    """
    every = _book(selection)
    owners = {entry.owner for entry in every if entry.owner}
    if owner is not None and owner not in owners:
        raise SelectionError(f"no rule is owned by '{owner}'; {did_you_mean(owner, owners) or 'no rule names one'}")
    owned = [entry for entry in every if owner in {None, entry.owner} and (entry.is_named or not named)]
    book = [entry for entry in owned if kind in {None, entry.kind}]
    is_table = format == "table"
    show({"rules": [entry.to_dict() for entry in book]}, lambda: _table(book) if is_table else _markdown(book))
    if book and is_table:
        hint(f"next: sluice rules show {book[0].name}")
    return Exit.OK


def rules_show(name: str) -> int:
    """Show all of a rule: its expression, its terms, where it stands and on what it is held.

    Args:
        name: The rule as `sluice rules` lists it; the name of a check without its column will do.
    """
    from framework.run.rule_book import find_rules

    found = find_rules(_book(()), name)
    documents = [{**entry.to_dict(), **_examples(entry)} for entry in found]

    def text() -> Iterator[str]:
        for number, document in enumerate(documents):
            yield from ([""] if number else [])
            yield from _whole(document)

    show({"rules": documents}, text)
    if any(entry.examples for entry in found):
        hint(f"next: sluice rules test {name}")
    return Exit.OK


def rules_test(*names: str, strict: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Try each rule alone on the examples of its definition.

    Args:
        names: Rules as `sluice rules` lists them, or names of pipelines and domains. Default: all rules.
        strict: Fail where a business rule has no examples.
    """
    from framework.testing.rules import try_rules

    tried = try_rules(_chosen(names))
    counts: Counter[str] = Counter(one.state for one in tried)
    is_bad = bool(counts["failed"] or (strict and counts["untested"]))
    document = {"counts": dict(counts), "rules": [one.to_dict() for one in tried]}
    show(document, lambda: _tried(tried, counts))
    if counts["untested"]:
        hint(f"{plural(counts['untested'], 'rule')} without examples: give holds= and breaks= in the definition")
    return Exit.FAILED if is_bad else Exit.OK


def _book(selection: Iterable[str]) -> list[RuleEntry]:
    from framework.definition.load import load_pipelines
    from framework.definition.selection import select
    from framework.run.rule_book import book_of

    return book_of(select(load_pipelines(settings()), selection))


def _chosen(names: Sequence[str]) -> list[RuleEntry]:
    """The rules that are meant by names of rules, pipelines and domains."""
    from framework.run.rule_book import find_rules

    book = _book(())
    if not names:
        return book
    found: list[RuleEntry] = []
    for name in names:
        try:
            found += find_rules(book, name)
        except SelectionError as error:
            try:
                found += _book([name])
            except SelectionError:
                raise error from None
    return list({(entry.name, entry.where): entry for entry in found}.values())


def _table(book: Sequence[RuleEntry]) -> Iterator[str]:
    rows = [{**entry.to_dict(), "rule": entry.name, "where": _places(entry)} for entry in book]
    said = [name for name in LISTED if name == "examples" or any(row.get(name) is not None for row in rows)]
    yield from columns(rows, said, empty="no rule")
    if book:
        kinds = Counter(entry.kind for entry in book)
        yield f"{plural(len(book), 'rule')}: {', '.join(f'{count} {kind}' for kind, count in sorted(kinds.items()))}"


def _places(entry: RuleEntry) -> str:
    more = len(entry.where) - PLACES
    return ", ".join(entry.where[:PLACES]) + (f" and {more} more" if more > 0 else "")


def _examples(entry: RuleEntry) -> dict[str, Any]:
    terms = getattr(entry.rule, "terms", None)
    return {"holds_for": list(terms.holds), "breaks_for": list(terms.breaks)} if terms else {}


def _whole(document: dict[str, Any]) -> Iterator[str]:
    yield document["name"]
    for key in ("description", "message", "expression", "kind", "severity", "owner", "budget", "where", "used_by"):
        value = document[key]
        if value:
            told = ", ".join(value) if isinstance(value, list) else str(value)
            yield f"  {key.replace('_', ' '):<12}{told}"
    for key in ("holds_for", "breaks_for"):
        for number, example in enumerate(document.get(key, ())):
            yield f"  {key.replace('_', ' ') if not number else '':<12}{example}"


def _markdown(book: Sequence[RuleEntry]) -> Iterator[str]:
    """The book as a document: a part for each place, and below its table the rules that say why they are there."""
    yield "# Rules"
    yield ""
    yield f"{plural(len(book), 'rule')}."
    places = dict.fromkeys(place for entry in book for place in entry.where)
    for place in sorted(places):
        own = [entry for entry in book if place in entry.where]
        yield from ("", f"## {place[:1].upper()}{place[1:]}", "")
        yield "| rule | says | kind | severity | owner | budget | examples |"
        yield "|---|---|---|---|---|---|---|"
        for entry in own:
            cells = (f"`{entry.name}`", entry.message, entry.kind, entry.severity, entry.owner, entry.budget)
            yield f"| {' | '.join(_cell(cell) for cell in cells)} | {entry.examples or ''} |"
        for entry in own:
            if entry.description:
                yield from ("", f"`{entry.name}`: {entry.description}")


def _cell(value: str | None) -> str:
    return (value or "").replace("\n", " ").replace("|", "\\|")


def _tried(tried: Sequence[TriedRule], counts: Counter[str]) -> Iterator[str]:
    for one in tried:
        told = f" ({plural(one.examples, 'example')})" if one.examples else ""
        yield f"{WORDS[one.state]:<10}{one.name}: {', '.join(one.where[:PLACES])}{told}"
        yield from (f"    {finding}" for finding in one.findings)
    if not tried:
        yield "there is no rule to try"
    else:
        words = ", ".join(f"{counts[state]} {state}" for state in WORDS if counts[state])
        yield f"{plural(len(tried), 'rule')} tried: {words}"
