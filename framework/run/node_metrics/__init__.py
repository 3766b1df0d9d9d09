"""What each physical node of a run's plans did: rows, bytes and seconds, in words known from the pipeline."""

from framework.run.node_metrics.measured import Measured, measuring, on_engine
from framework.run.node_metrics.places import source_names
from framework.run.node_metrics.steps import Does

__all__ = ["Does", "Measured", "measuring", "on_engine", "source_names"]
