"""The `sluice` command: a thin adapter, one module per command, each loaded when it is called."""
