"""Django's Oracle backend without an Oracle: what it would send, and nothing of what comes back.

The driver is not needed to write a statement. An empty module stands in its place while the
backend is imported, and a cursor that notes statements in place of the connection's.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from unittest.mock import MagicMock, patch

from django.db import connections

ERRORS = (
    "DataError", "OperationalError", "IntegrityError", "InternalError", "ProgrammingError",
    "NotSupportedError", "DatabaseError", "InterfaceError", "Error",
)  # fmt: skip


def _driver():
    driver = MagicMock(name="oracledb")
    driver.__version__ = driver.version = "3.0.0"
    for name in ERRORS:
        setattr(driver, name, type(name, (Exception,), {}))
    return driver


class NotingCursor:
    """Notes what is sent; each question is answered with the next of the answers."""

    def __init__(self, answers):
        self.sent: list[str] = []
        self._answers = iter(answers)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def execute(self, sql, params=()):
        self.sent.append(sql)
        self._answer = next(self._answers, [])

    def executemany(self, sql, rows):
        assert {len(row) for row in rows} == {sql.count("%s")}
        self.sent.append(sql)

    def fetchmany(self, size):
        answer, self._answer = self._answer, []
        return answer

    def fetchall(self):
        return self.fetchmany(0)

    def close(self):
        return None


def _settings():
    settings = {**connections["default"].settings_dict, "NAME": "x", "OPTIONS": {}}
    return {**settings, "ENGINE": "django.db.backends.oracle"}


@contextmanager
def oracle_connection(version=(19,), answers=()):
    """Put an Oracle of the version behind the alias `oracle`; its cursor is `.noting`."""
    before = {name for name in sys.modules if name.startswith("django.db.backends.oracle")}
    with patch.dict(sys.modules):
        if "oracledb" not in sys.modules:
            sys.modules["oracledb"] = _driver()
        from django.db.backends.oracle.base import DatabaseWrapper

        connection = DatabaseWrapper(_settings(), alias="oracle")
        connection.__dict__["oracle_version"] = version
        connection.noting = NotingCursor(answers)
        connection.cursor = connection.chunked_cursor = lambda: connection.noting
        # Which form of LIKE it knows is found out by trying, once connected.
        connection.__dict__["operators"] = connection._standard_operators
        # Nothing is sent that a transaction could end.
        connection.in_atomic_block = True
        connections["oracle"] = connection
        try:
            yield connection
        finally:
            del connections["oracle"]
    assert before == {name for name in sys.modules if name.startswith("django.db.backends.oracle")}
