"""A database that answers nothing while its connections stand: half-open (P9, I3, I4, I6)."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings

from django_scheduler import every, jobs, runs
from django_scheduler.models import Process, Run
from tests.concurrency.children import scheduler_process
from tests.executors.proxy import Proxy
from tests.waiting import wait_until as _wait_until

pytestmark = pytest.mark.django_db(transaction=True)

wait_until = partial(_wait_until, seconds=60)

ANY_SERVER = [
    pytest.param("TEST_POSTGRES_URL", marks=pytest.mark.postgres),
    pytest.param("TEST_MARIADB_URL", marks=pytest.mark.mariadb),
]


def _let_go(proxy):
    """What was held arrives after all."""
    proxy.release()


def _lose(proxy):
    """What was held arrives, and the connections break; new ones are let through."""
    proxy.release()
    proxy.cut()


@pytest.fixture
def far(request, subprocess_env):
    """A proxy to the server, and the environment of processes that go through it."""
    address = urlsplit(os.environ[request.param])
    proxy = Proxy(address.port or {"postgres": 5432}.get(address.scheme, 3306))
    user = address.netloc.rpartition("@")[0]
    through = urlunsplit(address._replace(netloc=f"{user}@127.0.0.1:{proxy.port}"))
    yield proxy, {**subprocess_env, request.param: through}
    proxy.release()
    proxy.close()


def _alive(name):
    return Process.objects.filter(name=name, state="running").first()


@pytest.mark.parametrize("far", ANY_SERVER, indirect=True)
@pytest.mark.parametrize("end", [_let_go, _lose])
def test_who_was_cut_off_without_a_word_starts_over_and_doubles_nothing(
    far, subprocess_env, tmp_path, end
):
    assert settings.DATABASES["default"]["HOST"]
    proxy, env = far
    jobs.add("held", function="tests.hold", args=[str(tmp_path / "notes"), str(tmp_path / "go")])
    with scheduler_process(env, tmp_path, "far"):
        run = jobs.trigger("held")
        wait_until(lambda: runs.get(run).status == "running")
        old = _alive("far")
        tick = {"args": [str(tmp_path / "ticks")], "schedule": every(seconds=1)}
        jobs.add("tick", function="tests.note", **tick)
        wait_until(lambda: Run.objects.filter(job_name="tick", status="succeeded").exists())
        proxy.hold()
        with scheduler_process(subprocess_env, tmp_path, "near") as near:
            wait_until(lambda: runs.get(run).status == "lost")
            (tmp_path / "go").touch()
            _others_go_on(4)
            end(proxy)
            anew = wait_until(lambda: _alive("far"))
            assert anew.pk != old.pk
            assert near.terminate() == 0
        # Alone now, under its new id.
        wait_until(lambda: Run.objects.filter(process=anew.pk, status="succeeded").count() > 1)
    _assert_nothing_doubled(run, old)


def _others_go_on(count):
    seen = Run.objects.filter(status="succeeded").count()
    wait_until(lambda: Run.objects.filter(status="succeeded").count() >= seen + count)


def _assert_nothing_doubled(run, old):
    lost = runs.get(run)
    assert (lost.status, lost.result) == ("lost", None)
    assert Process.objects.get(pk=old.pk).state == "dead"
    assert not Run.objects.filter(process=old.pk, started_at__gte=lost.finished_at).exists()
    made = Counter(Run.objects.values_list("job_name", "key", "number"))
    done = Counter(Run.objects.filter(status="succeeded").values_list("job_name", "key"))
    assert max(made.values()) == max(done.values()) == 1


@pytest.mark.mariadb
@pytest.mark.parametrize("far", ["TEST_MARIADB_URL"], indirect=True)
def test_a_silent_server_is_not_waited_for_without_end(far, tmp_path):
    """The engine's own connections end the waiting themselves, so that it can start over."""
    proxy, env = far
    with scheduler_process(env, tmp_path, "far") as child:
        proxy.hold()
        wait_until(lambda: "cannot reach the database" in child.log.read_text())
        wait_until(lambda: "cannot be used, trying again" in child.log.read_text())
