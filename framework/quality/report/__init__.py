"""Reports on the quality of a table: one document, rendered as HTML in one file, as Markdown, or as JSON."""

from framework.quality.report.document import Document, make_document
from framework.quality.report.markdown import to_markdown

__all__ = ["Document", "make_document", "to_markdown"]
