"""Mutants that mean the same as the original, and why: (module, where, before, after) -> reason."""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str, str, str], str] = {}
