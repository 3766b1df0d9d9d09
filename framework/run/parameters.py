"""Run parameters: what the steps of a pipeline ask for beside frames, validated before a run is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.errors import ConfigurationError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline


def resolve_parameters(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """Give every parameter of a pipeline its value, in JSON's types; text becomes what the annotation says.

    Raises:
        ConfigurationError: naming every unknown, missing or wrong parameter.
    """
    from pydantic import TypeAdapter, ValidationError

    known = pipeline.parameters
    unknown = [name for name in given if name not in known]
    wrong = [f"there is no parameter '{name}'; {did_you_mean(name, known) or 'it takes none'}" for name in unknown]
    values: dict[str, Any] = {}
    for name, parameter in known.items():
        if name not in given and parameter.is_required:
            wrong.append(f"parameter '{name}' needs a value: --param {name}=...")
            continue
        adapter = TypeAdapter(parameter.annotation)
        try:
            value = adapter.validate_python(given.get(name, parameter.default))
        except ValidationError as error:
            wrong.append(f"parameter '{name}': {error.errors()[0]['msg']}, got {given.get(name)!r}")
            continue
        values[name] = adapter.dump_python(value, mode="json")
    if wrong:
        raise ConfigurationError(f"{pipeline.name}: " + "; ".join(wrong))
    return values


def typed_parameters(pipeline: Pipeline, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a run plan in the types that the steps ask for."""
    from pydantic import TypeAdapter

    known = pipeline.parameters
    return {
        name: TypeAdapter(parameter.annotation).validate_python(values.get(name, parameter.default))
        for name, parameter in known.items()
    }
