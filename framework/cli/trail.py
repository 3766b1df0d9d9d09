"""What commands change is noted in the audit trail. The act is done by then: failing to note it only warns."""

from __future__ import annotations

import sys
from typing import Any

from framework.cli.options import settings


def noted(action: str, subject: str, **details: Any) -> None:
    """Append an entry to the audit trail; secrets of the settings are masked."""
    from framework.ledger.audit import note
    from framework.observe.redact import Redactor, secrets_of

    here = settings()
    mask = Redactor(secrets_of(here))
    told = {name: value for name, value in details.items() if value not in (None, "", (), [], {})}
    note(here.ledger_url, action, subject, mask.data(told), warn=lambda text: _warn(mask.text(text)))


def _warn(text: str) -> None:
    sys.stdout.flush()
    print(f"warning: {text}", file=sys.stderr)
