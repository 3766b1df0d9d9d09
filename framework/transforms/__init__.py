"""The vocabulary of steps: functions from lazy frames to lazy frames, used with `.pipe`. Nothing here collects."""

from framework.transforms.hashing import with_hash

__all__ = ["with_hash"]
