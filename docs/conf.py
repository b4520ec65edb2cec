"""How Sphinx builds these pages: `python -m tox -e docs`, warnings are errors."""

from __future__ import annotations

import re
from pathlib import Path

_source = Path(__file__).resolve().parent.parent / "django_scheduler" / "__init__.py"
_version = re.search(r'^__version__ = "(.+)"$', _source.read_text(encoding="utf-8"), re.MULTILINE)

project = "django-runscheduler"
author = "django-runscheduler contributors"
copyright = f"2026, {author}"
release = _version.group(1) if _version else ""
version = release

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"{project} {release}"
exclude_patterns = ["_build"]
nitpicky = True
