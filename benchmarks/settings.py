"""Django settings of a measured process: everything comes from the process that measures."""

from __future__ import annotations

import json
import os

SECRET_KEY = "benchmarks-only"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["django.contrib.contenttypes", "django_scheduler", "benchmarks"]
DATABASES = {"default": json.loads(os.environ.get("BENCHMARK_DATABASE", "{}"))}
DJANGO_SCHEDULER = json.loads(os.environ.get("BENCHMARK_SCHEDULER", "{}"))
