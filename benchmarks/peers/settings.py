"""Django settings of a peer: from the environment, as the process that measures says."""

from __future__ import annotations

import json
import os

SECRET_KEY = "benchmarks-only"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    *json.loads(os.environ.get("BENCHMARK_APPS", "[]")),
]
DATABASES = {"default": json.loads(os.environ.get("BENCHMARK_DATABASE", "{}"))}
Q_CLUSTER = {
    "name": os.environ.get("BENCHMARK_PREFIX", ""),
    "redis": os.environ.get("BENCHMARK_REDIS", ""),
    "workers": 2,
    "timeout": 60,
    "retry": 120,
    "save_limit": 0,
    "catch_up": False,
}
