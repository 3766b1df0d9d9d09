"""What a hook did elsewhere is taken back when the run fails, and stays when it succeeds."""

import pytest

from framework import FailureMoment, PublishMoment, hook
from framework.errors import HookError
from tests.run.hooks.test_hooks_in_a_run import Shop, shop_of


class Budget:
    """Another system, which knows no transactions."""

    def __init__(self):
        self.reserved = set()

    def hooks(self):
        @hook("before_publish")
        def reserve(moment: PublishMoment) -> None:
            self.reserved.add((moment.pipeline, moment.seq, moment.place))

        @hook("on_failure", on_error="warn")
        def release(moment: FailureMoment) -> None:
            self.reserved = {one for one in self.reserved if one[:2] != (moment.pipeline, moment.seq)}

        return [reserve, release]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path, shop_of())


def test_what_was_done_before_publishing_is_taken_back_when_that_fails_and_done_again(shop):
    budget = Budget()
    shop.sell("a", "1,2")
    with pytest.raises(HookError, match="storage is gone"):
        shop.run_with(*broken_storage(budget))
    assert budget.reserved == set()
    shop.run_with(*budget.hooks())
    assert {one[2] for one in budget.reserved} == {"sales", "values"}
    assert {one[:2] for one in budget.reserved} == {("t.sales", 1)}


def broken_storage(budget):
    """The hooks of a budget, of which the last before publishing finds storage gone."""

    @hook("before_publish")
    def gone(moment: PublishMoment) -> None:
        if moment.place == "values":
            assert budget.reserved
            raise OSError("storage is gone")

    return [*budget.hooks(), gone]
