"""Sphinx's settings."""

from importlib.metadata import version as installed_version

project = "Sampan"
author = "Sampan contributors"
copyright = "2026, Sampan contributors"
release = version = installed_version("sampan")

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = "Sampan"
templates_path: list[str] = []
html_static_path: list[str] = []
exclude_patterns: list[str] = []
nitpicky = True
