"""The Celery application; imported only where CELERY_BROKER_URL is set, and by workers.

A worker is started with `celery --app config.celery worker --queues default` in this folder.
"""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("example")
app.config_from_object("django.conf:settings", namespace="CELERY")
