"""Which rules and which time zone database answer."""

from __future__ import annotations

import re
import sys
import types
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from django_scheduler.schedules import RULES_VERSION, zones_version


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    zones_version.cache_clear()
    yield
    zones_version.cache_clear()


def _database(folder: Path, **texts: str) -> str:
    folder.mkdir()
    (folder / "UTC").write_bytes(b"TZif")
    for name, text in texts.items():
        (folder / {"zi": "tzdata.zi", "plus": "+VERSION"}[name]).write_text(text)
    return str(folder)


def test_the_rules_version_names_our_rules_and_the_library() -> None:
    """S1: two deployments can tell whether a text means the same to both."""
    assert re.fullmatch(r"\d+/croniter-7", RULES_VERSION)


def test_the_zones_version_is_one_short_word() -> None:
    """S11: whatever database this machine has."""
    assert re.fullmatch(r"\d{4}[a-z]+|unknown", zones_version())


@pytest.mark.parametrize(
    ("texts", "version"),
    [
        ({"zi": "# version 2026a\n# ddeps backzone\n"}, "2026a"),
        ({"zi": "# version 2026a-dirty\n", "plus": "2025c\n"}, "2026a-dirty"),
        ({"zi": "R A 1916 o - Jun 14 23s 1 S\n", "plus": "2025c\n"}, "2025c"),
        ({"plus": "2025b\n"}, "2025b"),
        ({"plus": ""}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_the_version_is_read_beside_the_zones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, texts: dict[str, str], version: str
) -> None:
    """S11: from the first folder that holds zones, also when a later one tells its version."""
    (tmp_path / "empty").mkdir()
    first = _database(tmp_path / "first", **texts)
    later = _database(tmp_path / "later", zi="# version 1999z\n")
    monkeypatch.setattr(
        zoneinfo, "TZPATH", (str(tmp_path / "none"), str(tmp_path / "empty"), first, later)
    )
    assert zones_version() == version


def test_the_answer_stays_while_the_process_lives(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """S11: zones once read are kept, so the version told is the one they were read from."""
    monkeypatch.setattr(zoneinfo, "TZPATH", (_database(tmp_path / "a", plus="2025a"),))
    assert zones_version() == "2025a"
    monkeypatch.setattr(zoneinfo, "TZPATH", (_database(tmp_path / "b", plus="2026b"),))
    assert zones_version() == "2025a"


@pytest.mark.parametrize(
    ("package", "version"),
    [({"IANA_VERSION": "2026c"}, "2026c"), ({}, "unknown"), (None, "unknown")],
)
def test_without_a_system_database_the_package_is_asked(
    monkeypatch: pytest.MonkeyPatch, package: dict[str, str] | None, version: str
) -> None:
    """S11: as zoneinfo does, for example on Windows."""
    module = None if package is None else types.SimpleNamespace(**package)
    monkeypatch.setitem(sys.modules, "tzdata", module)  # type: ignore[arg-type]
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    assert zones_version() == version
