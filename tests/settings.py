"""Settings of the test project.

Everything that differs between machines comes from the environment: which database the whole suite
runs on (`TEST_DATABASE`, or any `TEST_DATABASE_URL`) and where services listen (`TEST_*_URL`).
A process started by a test sets `SCHEDULER_TEST_DB_NAME` to work on the live test database.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import environ

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "tests-only"
DEBUG = env.bool("TEST_DEBUG", default=False)
ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
ROOT_URLCONF = "tests.urls"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_scheduler",
    "tests.app",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

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

TEST_POSTGRES_URL = env.str("TEST_POSTGRES_URL", default="")
TEST_MARIADB_URL = env.str("TEST_MARIADB_URL", default="")
TEST_REDIS_URL = env.str("TEST_REDIS_URL", default="")
TEST_RABBITMQ_URL = env.str("TEST_RABBITMQ_URL", default="")

_URL_VARIABLES = {
    "sqlite": "TEST_DATABASE_URL",
    "postgres": "TEST_POSTGRES_URL",
    "mariadb": "TEST_MARIADB_URL",
}
TEST_DATABASE = env.str("TEST_DATABASE", default="sqlite")
if TEST_DATABASE not in _URL_VARIABLES:
    raise environ.ImproperlyConfigured(f"TEST_DATABASE is one of {', '.join(_URL_VARIABLES)}")


def _database() -> dict[str, Any]:
    """The suite's database: a given URL, the chosen service, or a SQLite file."""
    name = env.str("SCHEDULER_TEST_DB_NAME", default="")
    if env.str("TEST_DATABASE_URL", default=""):
        config: dict[str, Any] = dict(env.db_url("TEST_DATABASE_URL"))
    elif TEST_DATABASE == "sqlite":
        config = {"ENGINE": "django.db.backends.sqlite3"}
    else:
        config = dict(env.db_url(_URL_VARIABLES[TEST_DATABASE]))
    if "sqlite" in config["ENGINE"]:
        return config | _sqlite(name)
    # A name of its own for every run: runs beside each other share the server.
    config["TEST"] = {"NAME": f"test_scheduler_{os.getpid()}"}
    if "mysql" in config["ENGINE"]:
        config["TEST"]["CHARSET"] = "utf8mb4"
        config["OPTIONS"] = {
            "charset": "utf8mb4",
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES', innodb_strict_mode=1",
        }
    if name:
        config["NAME"] = name
    return config


def _sqlite(name: str) -> dict[str, Any]:
    """A file, never memory: threads and other processes open the same database."""
    if not name:
        folder = tempfile.mkdtemp(prefix="scheduler-tests-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        name = os.path.join(folder, "live.sqlite3")
    return {
        "NAME": name,
        "TEST": {"NAME": os.path.join(os.path.dirname(name), "test.sqlite3")},
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


DATABASES = {"default": _database()}

# A test's child processes may need short leases: they read their own overrides.
DJANGO_SCHEDULER = {
    "COMMANDS_ALLOWED": ["clearsessions"],
    **env.json("TEST_DJANGO_SCHEDULER", default={}),
}
