"""`sluice audit`: what was done here, when and by whom, and whether the record of it is whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from framework.cli.ledger import with_ledger
from framework.cli.options import Exit
from framework.cli.output import columns, complain, hint, show
from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.ledger.chain import Entry

NAMES = ("id", "at", "by", "action", "subject")
SHORTEST = 8
"""Fewer digits of a hash than this would be found in a trail that was written anew, too."""


def audit_list(*, subject: str | None = None, action: str | None = None, limit: int = 20) -> int:
    """List the latest entries, oldest of them first.

    Args:
        subject: Only what was done to this: a pipeline, a domain, a table, an invocation.
        action: Only this, such as `run.ended`, or a group of actions such as `quarantine`.
        limit: How many.
    """
    from framework.ledger.audit import entries

    found = with_ledger(lambda ledger: entries(ledger, subject=subject, action=action, limit=limit)) or []
    documents = [{**vars(entry), "details": json.loads(entry.details)} for entry in found]
    show({"entries": documents}, lambda: _lines(found))
    return Exit.OK


def audit_verify(*, head: str = "") -> int:
    """Follow the trail from its first entry to its last and say where it was changed.

    What was cut off at the end can be noticed only by whoever knows an entry that was there: keep the head elsewhere.

    Args:
        head: The hash of an entry that was the last once: it must still be there.
    """
    from framework.ledger.audit import verify

    if head and len(head) < SHORTEST:
        raise ConfigurationError(f"--head {head}: expected at least {SHORTEST} digits of a hash")
    verdict = with_ledger(lambda ledger: verify(ledger, head=head))
    if verdict is None:
        from framework.ledger.audit import Verdict

        lost = (f"no entry has the hash {head}: there is no ledger",) if head else ()
        verdict = Verdict(0, "", lost)
    document = {"entries": verdict.entries, "head": verdict.head, "breaks": list(verdict.breaks)}

    def text() -> Iterator[str]:
        yield from verdict.breaks
        if not verdict.breaks:
            yield f"the audit trail is whole: {verdict.entries:,} {'entry' if verdict.entries == 1 else 'entries'}"
        if verdict.head:
            yield f"head {verdict.head}"

    show(document, text)
    if verdict.breaks:
        complain("the audit trail is not as it was written")
        return Exit.FAILED
    if verdict.head:
        hint("keep the head elsewhere; later: sluice audit verify --head HASH")
    return Exit.OK


def _lines(found: Sequence[Entry]) -> Iterator[str]:
    """A line per entry; details stand at its end, in full."""
    laid_out = columns([_row(entry) for entry in found], NAMES, empty="no entries")
    told = ["details", *(", ".join(_told(json.loads(entry.details))) for entry in found)] if found else [""]
    width = max(map(len, laid_out))
    for line, details in zip(laid_out, told, strict=True):
        yield f"{line.ljust(width)}  {details}".rstrip()


def _row(entry: Entry) -> dict[str, Any]:
    at = entry.at[:19].replace("T", " ")
    return dict(zip(NAMES, (entry.id, at, entry.actor, entry.action, entry.subject), strict=True))


def _told(details: dict[str, Any], within: str = "") -> Iterator[str]:
    """What details say, as far as they say anything."""
    for name, value in details.items():
        if isinstance(value, dict):
            yield from _told(value, f"{within}{name}.")
        elif value not in (None, "", []):
            yield f"{within}{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
