"""The pages of the Django admin: jobs, runs and processes.

A face: it shows what is stored and hands orders to ``jobs`` and ``runs``. It must not write a
state or a status itself, nor count anything: numbers come from ``reports``.
"""

from __future__ import annotations

from .jobs import JobAdmin
from .processes import ProcessAdmin
from .runs import RunAdmin

__all__ = ["JobAdmin", "ProcessAdmin", "RunAdmin"]
