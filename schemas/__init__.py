"""The schemas of the pipelines, one module per domain."""
