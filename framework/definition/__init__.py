"""What a pipeline is: `Pipeline`, `step`, its outputs, and the checks on definitions. Pure: nothing is read."""

from framework.definition.output import Migration, Output, json_file, table
from framework.definition.pipeline import Pipeline
from framework.definition.signature import Parameter
from framework.definition.step import Step, step

__all__ = ["Migration", "Output", "Parameter", "Pipeline", "Step", "json_file", "step", "table"]
