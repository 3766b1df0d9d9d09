"""A ledger of each kind, as the tests of the ledger have it."""

from tests.ledger.conftest import address

__all__ = ["address"]
