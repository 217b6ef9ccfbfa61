"""Sphinx configuration."""

from pygments.lexers.special import TextLexer
from sphinx.highlighting import lexers

project = "Quimby"
author = "The Quimby developers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Quimby"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

lexers["csv"] = TextLexer()  # tables stand as they are; Pygments knows no such name
