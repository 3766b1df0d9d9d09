"""Raw events: one schema, traffic that does not count, look-ups, last known values, one order."""

from framework.transforms.events.bots import BOT_AGENTS, mark_bots
from framework.transforms.events.bursts import mark_bursts
from framework.transforms.events.fallbacks import fill_last_known
from framework.transforms.events.gathered import gather
from framework.transforms.events.internal import PRIVATE_NETWORKS, mark_internal
from framework.transforms.events.ip_ranges import look_up_ip
from framework.transforms.events.lookups import look_up
from framework.transforms.events.ordered import sort_by
from framework.transforms.events.unified import unify

__all__ = [
    "BOT_AGENTS",
    "PRIVATE_NETWORKS",
    "fill_last_known",
    "gather",
    "look_up",
    "look_up_ip",
    "mark_bots",
    "mark_bursts",
    "mark_internal",
    "sort_by",
    "unify",
]
