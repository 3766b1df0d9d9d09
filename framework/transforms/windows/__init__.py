"""Windows over time: side by side, sliding, by sessions; calendars without holes; spend and return by day."""

from framework.transforms.windows.filling import fill_calendar
from framework.transforms.windows.late import mark_late
from framework.transforms.windows.sessions import sessionize, summarize_sessions
from framework.transforms.windows.sliding import sliding
from framework.transforms.windows.spend import daily_spend, rolling_roi
from framework.transforms.windows.tumbling import tumbling

__all__ = [
    "daily_spend",
    "fill_calendar",
    "mark_late",
    "rolling_roi",
    "sessionize",
    "sliding",
    "summarize_sessions",
    "tumbling",
]
