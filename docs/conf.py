"""Sphinx: MyST pages, furo, and autodoc of the public names. Built with -W -n: a warning or a dangling reference is an error."""

from typing import TYPE_CHECKING

from sphinx.ext.napoleon import Config, GoogleDocstring

import tunesmith

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "tunesmith"
author = "The tunesmith authors"
project_copyright = "The tunesmith authors"
release = tunesmith.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "tunesmith"
html_static_path = ["_static"]
html_css_files = ["tables.css"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

default_role = "code"  # docstrings are read as text more often than as a page: `name` is code there
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature says it, and the docstring in words; most of the types are torch's, whose index is not at hand offline
autodoc_preserve_defaults = True

DOCSTRINGS = Config(napoleon_use_rtype=False, napoleon_custom_sections=[("Attributes", "params_style")])


def _read_google_style(_app: "Sphinx", what: str, name: str, obj: object, options: object, lines: list[str]) -> None:  # noqa: PLR0917 (Sphinx calls it)
    # napoleon takes "words: more words" for "type: words" in the docstring of a property; so properties are read as functions.
    lines[:] = GoogleDocstring(lines, DOCSTRINGS, what="function" if what in {"property", "attribute"} else what, name=name, obj=obj, options=options).lines()


def setup(app: "Sphinx") -> None:
    """Connect what the extensions above do not do."""
    app.connect("autodoc-process-docstring", _read_google_style)
