"""What the signature of a function says: frames by name, run parameters, and conditions made of them."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.core.typed import frame_schema, is_frame
from framework.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.typed import DataFrameModel


@dataclass(frozen=True)
class Parameter:
    """A run parameter of a step: its type and, unless it must be given, its default."""

    name: str
    annotation: Any
    default: Any = inspect.Parameter.empty

    @property
    def is_required(self) -> bool:
        """Whether a run must give a value."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Condition:
    """A function that says whether a step is run: its inputs are tables that the pipeline reads, by their names."""

    name: str
    function: Callable[..., Any]
    inputs: dict[str, type[DataFrameModel] | None] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Standby:
    """A function whose rows stand in for those of a step that fails; takes some of what the step takes, by name."""

    name: str
    function: Callable[..., Any]
    takes: tuple[str, ...]

    def __call__(self, **arguments: Any) -> Any:
        """Call it with what it takes of the step's arguments."""
        return self.function(**{name: arguments[name] for name in self.takes})


def read_signature(
    function: Callable[..., Any], where: str
) -> tuple[dict[str, type[DataFrameModel] | None], list[Parameter], list[Problem]]:
    """What a function takes: frames by name with their schemas, and run parameters."""
    problems: list[Problem] = []
    try:
        hints = typing.get_type_hints(function)
    except Exception as error:  # noqa: BLE001 - any annotation may be wrong in any way, and is reported
        problems.append(Problem(where, f"its annotations cannot be read: {error}", "import their names at run time"))
        hints = {}
    inputs: dict[str, type[DataFrameModel] | None] = {}
    parameters: list[Parameter] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            problems.append(Problem(where, f"takes *{parameter.name}", "name every input and parameter"))
        elif parameter.name not in hints:
            if hints or parameter.annotation is parameter.empty:
                fix = "annotate it with LazyFrame[Schema] or, for a run parameter, with its type"
                problems.append(Problem(where, f"parameter '{parameter.name}' has no type", fix))
        elif is_frame(hints[parameter.name]):
            inputs[parameter.name] = frame_schema(hints[parameter.name])
        else:
            parameters.append(Parameter(parameter.name, hints[parameter.name], parameter.default))
    return inputs, parameters, problems
