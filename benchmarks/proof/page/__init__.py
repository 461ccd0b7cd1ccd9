"""The result as one HTML page of plots that needs no network and no JavaScript."""

from benchmarks.proof.page.html import page

__all__ = ["page"]
