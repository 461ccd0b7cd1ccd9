"""A study as text for a terminal, as JSON, as one HTML file, and as code to paste. Imports no torch, no pydantic and no drawing library."""

from tunesmith.report.export import export_json, export_toml, export_torch
from tunesmith.report.html import write_report
from tunesmith.report.text import study_to_json, summarize

__all__ = ["export_json", "export_toml", "export_torch", "study_to_json", "summarize", "write_report"]
