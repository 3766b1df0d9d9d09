"""Time as retries and circuits see it: the clock that containers share, the time that has passed, and waiting."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Timing:
    """Where time comes from. Tests give a clock of their own, which `wait` moves on.

    `now`: seconds since 1970, as other machines have them too; `passed`: seconds that never jump; `drawn`: chance, from
    0 to 1.
    """

    now: Callable[[], float] = time.time
    passed: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    drawn: Callable[[], float] = random.random
