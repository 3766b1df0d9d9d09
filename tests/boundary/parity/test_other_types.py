"""Every built-in check on every type, several per column, with nulls and uniqueness, against Pandera row by row."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.boundary.parity.judging import HALF, pandera_says, sluice_says
from tests.boundary.parity.kinds import KINDS, OTHERS, tables

pytestmark = pytest.mark.drawn(2)


@pytest.mark.parametrize("name", OTHERS)
@HALF
@given(data=st.data())
def test_compiled_schema_refuses_the_rows_that_pandera_does(name, data):
    schema, frame = data.draw(tables(KINDS[name]))
    assert sluice_says(schema, frame) == pandera_says(schema, frame)
