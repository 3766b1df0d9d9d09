"""Hold every step of a pipeline to what the framework expects of it, on made-up input."""

from framework.testing.steps.project import INCREMENTAL, Trial, Tried, try_pipelines

__all__ = ["INCREMENTAL", "Trial", "Tried", "try_pipelines"]
