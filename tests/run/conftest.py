"""Shops with rows in their quarantine, built once and copied."""

import pytest

from tests.run.quarantine_shop import Shop


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Two shops, built once and copied: one that knows its products, one that has refused sales."""
    known = Shop(tmp_path_factory.mktemp("known"))
    known.know("apple", "pear")
    held = known.copy(tmp_path_factory.mktemp("held"))
    held.deliver("a", "1,apple,1,", "2,apple,0,", "3,pear,x,secret", "4,plum,4,")
    held.run()
    return known, held


@pytest.fixture
def shop(built, tmp_path):
    return built[0].copy(tmp_path)


@pytest.fixture
def refused(built, tmp_path):
    """A shop with one good sale, one of quantity 0, one that is no number, and one of an unknown product."""
    return built[1].copy(tmp_path)
