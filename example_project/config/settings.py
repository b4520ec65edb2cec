"""Settings of the example project. Whatever differs between machines comes from the environment.

The defaults are for looking around on your own machine: SQLite, DEBUG on, a public secret key.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import environ

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = env.str("DJANGO_SECRET_KEY", default="public-and-only-good-for-the-demo")
DEBUG = env.bool("DJANGO_DEBUG", default=True)
ALLOWED_HOSTS = env.list("DJANGO_ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_scheduler",
    "shop",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Readers never wait for the writer, a transaction that will write says so when it begins, and a
# busy database is waited for: with these, several processes share one SQLite file in peace.
SQLITE_OPTIONS = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
}
SQLITE_FILE = BASE_DIR / env.str("DEMO_DATABASE_FILE", default="db.sqlite3")


def _database() -> dict[str, Any]:
    """The database DATABASE_URL names, else a SQLite file in the project's folder."""
    if not env.str("DATABASE_URL", default=""):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": SQLITE_FILE,
            "OPTIONS": SQLITE_OPTIONS,
        }
    database: dict[str, Any] = dict(env.db("DATABASE_URL"))
    if "sqlite" in database["ENGINE"]:
        database["OPTIONS"] = {**SQLITE_OPTIONS, **database.get("OPTIONS", {})}
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Set by the demo command for its own web server, which listens on this machine only.
DEMO_SHOWS_LOGIN = env.bool("DEMO_SHOWS_LOGIN", default=False)

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = env.str("DJANGO_TIME_ZONE", default="UTC")
STATIC_URL = "static/"

# Without a broker every job runs in threads of the scheduler. With one, the job that asks for
# DEMO_EXECUTOR is carried out by Celery workers instead; nothing else changes.
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
DEMO_EXECUTOR = "celery" if CELERY_BROKER_URL else "default"

DJANGO_SCHEDULER: dict[str, Any] = {"COMMANDS_ALLOWED": ["clearsessions"]}
if CELERY_BROKER_URL:
    DJANGO_SCHEDULER["EXECUTORS"] = {
        "celery": {
            "BACKEND": "django_scheduler.executors.celery.CeleryExecutor",
            "OPTIONS": {"app": "config.celery.app", "queue": "default"},
        }
    }

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    # One handler, at the root: a run keeps the records that come this far, and each is shown once.
    "root": {"handlers": ["console"]},
    "loggers": {
        "django_scheduler": {"level": "INFO"},
        "shop": {"level": "INFO"},
        # Named without handlers, Django's loggers lose those of its defaults: no line comes twice.
        "django": {"level": "INFO"},
        # One line a request would drown the jobs' lines.
        "django.server": {"level": "ERROR", "propagate": True},
    },
}
