"""Names that frames carry through the whole house."""

from __future__ import annotations

SOURCE_TIME = "_source_time"
"""When the row's file last changed (UTC)."""
SOURCE_FILE = "_source_file"
"""The row's file, relative to the raw folder."""
SOURCE_LINE = "_source_line"
"""The row's line (text formats) or record number (others) in its file, from 1."""

PROVENANCE = (SOURCE_TIME, SOURCE_FILE, SOURCE_LINE)
"""Where a row came from. In this order it also says which of two rows is newer."""

MALFORMED = "_malformed"
"""Set by readers on lines that cannot be split into fields: what is wrong with the line."""

ABSENT = "_absent"
"""Set by readers of JSON where a schema asks for it: a struct that says of columns whether the record lacks them."""

FILLED = "_filled"
"""Which cells of a row a fallback has filled: JSON, `{"price": ["default", "n/a"]}`; null where there is none."""

ALTERNATE = '{"*":["alternate",'
"""Begins the mark of rows that come from an alternate source: rows of its primary win over them, whatever their age."""

CARRIED = (*PROVENANCE, FILLED)
"""What rows of files carry beside the columns of their schema."""

BLANK = "the line is blank"
"""What readers call a line without any value: it is no row, and is counted as dropped."""
