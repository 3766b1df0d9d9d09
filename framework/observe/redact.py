"""The one mask for secrets: by value, in every form in which a value can turn up in a text.

Every line of a log, every event and every report passes through a `Redactor` built from the settings.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from framework.settings import Settings

MASK = "***"
LONG = 8
"""From this length a secret is masked wherever it occurs; a shorter one only as a whole word."""

_URL_PASSWORD = re.compile(r"(?P<before>\w[\w+.-]*://[^\s/:@'\"]*:)(?P<password>[^\s/'\"]+)(?=@)")
_NAMES = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|API_?KEY")
_OURS = ("SLUICE_", "AWS_", "AZURE_", "GOOGLE_", "PG")


class Redactor:
    """Masks known secrets, and passwords inside URLs whether known or not.

    >>> Redactor(["p@ss word/1"]).text("said p@ss word/1 and p%40ss%20word%2F1")
    'said *** and ***'
    >>> Redactor().text("postgresql://me:hidden@db:5432/ledger")
    'postgresql://me:***@db:5432/ledger'
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {secret for secret in secrets if secret}
        self._long = _pattern({form for secret in known if len(secret) >= LONG for form in _forms(secret)})
        short = {form for secret in known if len(secret) < LONG for form in _plain_forms(secret)}
        self._short = _pattern(short, whole_word=True)

    def text(self, text: str) -> str:
        """Mask the secrets in a text."""
        long = self._long.sub(MASK, text) if self._long else text
        short = self._short.sub(MASK, long) if self._short else long
        return _URL_PASSWORD.sub(rf"\g<before>{MASK}", short) if "://" in short else short

    def data(self, value: Any) -> Any:
        """Mask the secrets in all texts of plain data. In keys, names of our own choice, only long ones are masked."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self._key(key): self.data(item) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.data(item) for item in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))

    def _key(self, key: Any) -> Any:
        return self._long.sub(MASK, key) if self._long and isinstance(key, str) else key


def _pattern(forms: set[str], *, whole_word: bool = False) -> re.Pattern[str] | None:
    if not forms:
        return None
    any_of = "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<!\w)(?:{any_of})(?!\w)" if whole_word else any_of)


def _plain_forms(secret: str) -> set[str]:
    return {secret, quote(secret, safe=""), quote_plus(secret), quote(secret)}


def _forms(secret: str) -> set[str]:
    """All spellings: as it is, in URLs, in JSON and Python text, and inside Base64 at any of its three offsets."""
    import base64
    import json

    raw = secret.encode()
    texts = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    encoded = set()
    for offset in range(3):
        padded = b"\0" * offset + raw
        start, usable = -(-offset * 4 // 3), len(padded) // 3 * 4
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            middle = encode(padded).decode()[start:usable]
            if len(middle) >= LONG:
                encoded.add(middle)
    return {*_plain_forms(secret), *texts, *encoded, *(line for line in secret.splitlines() if len(line) >= LONG)}


def secrets_of(settings: Settings | None, environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Every secret value of the settings, passwords inside their URLs, and what libraries read of the environment."""
    found = {value for name, value in environ.items() if name.startswith(_OURS) and _NAMES.search(name)}
    if settings is not None:
        _collect(settings, found)
    _collect_urls(environ.get("SLUICE_LEDGER", ""), found)
    return tuple(sorted(found - {""}))


def _collect(model: Any, found: set[str]) -> None:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if hasattr(value, "get_secret_value"):
            found.add(value.get_secret_value())
        elif hasattr(type(value), "model_fields"):
            _collect(value, found)
        elif isinstance(value, str):
            _collect_urls(value, found)


def _collect_urls(value: str, found: set[str]) -> None:
    if "://" not in value:
        return
    password = urlsplit(value).password
    if password:
        found |= {password, unquote(password)}
