"""Jobs declared as a project declares them, found by autodiscovery."""

from __future__ import annotations
