"""The package as Django sees it: its models, migrations and system checks agree."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_migrations_hold_everything_the_models_say():
    call_command("makemigrations", "django_scheduler", check=True, dry_run=True, stdout=StringIO())


@pytest.mark.django_db
def test_the_test_project_passes_every_system_check():
    call_command("check", fail_level="INFO", databases=["default"], stdout=StringIO())
