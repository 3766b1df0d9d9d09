"""Tools for authors of pipelines: messy sample input with a key of what is wrong with it."""

from framework.testing.samples import Delivered, Mark, Note, SampleRequest, SourceTotal, Summary, deliver_sample

__all__ = ["Delivered", "Mark", "Note", "SampleRequest", "SourceTotal", "Summary", "deliver_sample"]
