"""Configuration of the test application."""

from __future__ import annotations

from django.apps import AppConfig


class TestAppConfig(AppConfig):
    """The installed application whose `jobs` module autodiscovery finds."""

    name = "tests.app"
    label = "testapp"
