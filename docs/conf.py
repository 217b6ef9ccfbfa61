"""Sphinx configuration."""

project = "Quimby"
author = "The Quimby developers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "Quimby"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]
