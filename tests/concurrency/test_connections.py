"""How many connections a scheduler takes, counted by the server (docs: databases)."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import connection

from django_scheduler import jobs, runs
from django_scheduler.models import Run
from tests.concurrency.children import scheduler_process
from tests.waiting import wait_until as _wait_until

pytestmark = pytest.mark.django_db(transaction=True)

wait_until = partial(_wait_until, seconds=60)

OTHERS = {
    # Autovacuum, and other workers of the server's own, have a row as well.
    "postgresql": "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
    "mysql": "SELECT count(*) FROM information_schema.processlist"
    " WHERE db = database() AND id <> connection_id()",
}


OWN = {
    # The database thread's, the heartbeat's from its first beat on, and the one that hears notices.
    "postgresql": 3,
    "mysql": 2,
}


def _taken():
    with connection.cursor() as cursor:
        cursor.execute(OTHERS[connection.vendor])
        return cursor.fetchone()[0]


def _hold(folder, function, count):
    """Let ``count`` runs of the function go on at once, and return them."""
    name = function.rpartition(".")[2]
    args = [str(folder / "notes"), str(folder / f"{name}.go")]
    jobs.add(name, function, args=args, overlap="allow")
    held = [jobs.trigger(name) for _ in range(count)]
    wait_until(lambda: Run.objects.filter(job_name=name, status="running").count() == count)
    return held


@pytest.mark.parametrize(
    "server",
    [
        pytest.param("postgres", marks=pytest.mark.postgres),
        pytest.param("mariadb", marks=pytest.mark.mariadb),
    ],
)
def test_a_scheduler_takes_its_own_and_one_for_each_job_that_asks_the_database(
    server, subprocess_env, tmp_path
):
    before, own = _taken(), OWN[connection.vendor]
    with scheduler_process(subprocess_env, tmp_path, "one", "--threads", "12"):
        wait_until(lambda: _taken() - before == own)
        _hold(tmp_path, "tests.hold", 5)
        assert _taken() - before == own
        asking = _hold(tmp_path, "tests.ask", 6)
        wait_until(lambda: _taken() - before == own + 6)
        (tmp_path / "ask.go").touch()
        for run in asking:
            assert runs.wait(run, timeout=60).status == "succeeded"
        # CONN_MAX_AGE is 0 here: nobody keeps what he opened.
        wait_until(lambda: _taken() - before == own)
        (tmp_path / "hold.go").touch()
