"""Schemas in YAML: a document becomes a schema of Pandera, and a schema a document, without loss."""

from framework.boundary.yaml_schema.format import yaml_format
from framework.boundary.yaml_schema.reading import read_yaml_schema
from framework.boundary.yaml_schema.writing import write_yaml_schema

yaml_schema = write_yaml_schema

__all__ = ["read_yaml_schema", "write_yaml_schema", "yaml_format", "yaml_schema"]
