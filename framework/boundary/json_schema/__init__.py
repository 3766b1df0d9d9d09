"""JSON Schema in and out: a document of one record becomes a boundary, a schema is written as a document."""

from framework.boundary.json_schema.reading import read_json_schema
from framework.boundary.json_schema.writing import write_json_schema

json_schema = write_json_schema

__all__ = ["json_schema", "read_json_schema", "write_json_schema"]
