"""What each physical node of a run's plans did: rows, bytes and seconds, in words known from the pipeline."""

from framework.run.node_metrics.measured import Measured, measuring, on_engine
from framework.run.node_metrics.places import source_names

__all__ = ["Measured", "measuring", "on_engine", "source_names"]
