"""What Oracle would be sent (decision 0029). No Oracle has answered: that is said in the docs."""

from __future__ import annotations

import pytest
from django.db import connection, connections, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import RunPython

from django_scheduler import jobs
from django_scheduler.clock import installed
from django_scheduler.engine.sync import sync
from django_scheduler.models import Job, JobClock, Run
from django_scheduler.models.schema import LetNullsDiffer
from django_scheduler.models.vendors import lock_raw, locked, question, session_problems
from django_scheduler.models.vendors.generic import Generic
from tests.facades.fixed import NOW, make_row
from tests.models.oracle import oracle_connection


@pytest.fixture
def oracle():
    with oracle_connection() as connection:
        yield connection


def _migrated(oracle):
    """Return all that the migrations of the package would send, except for copied data."""
    loader = MigrationLoader(None)
    editor = oracle.schema_editor(collect_sql=True, atomic=False)
    with editor:
        for key in sorted(key for key in loader.graph.nodes if key[0] == "django_scheduler"):
            migration = loader.get_migration(*key)
            operations = migration.operations
            migration.operations = [one for one in operations if not isinstance(one, RunPython)]
            migration.apply(loader.project_state(key, at_end=False), editor, collect_sql=True)
    return [sql for sql in editor.collected_sql if not sql.startswith("--")]


@pytest.mark.parametrize("version", [(19,), (21,), (23, 8)])
def test_what_a_job_wants_is_a_column_oracle_has(version):
    with oracle_connection(version) as oracle:
        (column,) = [sql for sql in _migrated(oracle) if ' ADD "ATTENTION"' in sql]
        stored = oracle.features.supports_stored_generated_columns
    assert column.endswith(" MATERIALIZED;" if stored else " VIRTUAL;")
    assert version[0] > 21 or not stored


def test_the_models_pass_djangos_checks_for_oracle(oracle):
    assert [p for model in (Job, JobClock, Run) for p in model.check(databases=["oracle"])] == []


def test_a_text_that_is_null_on_oracle_is_no_text_a_clock_was_planned_from(oracle):
    """There `NOT (NULL = 'UTC @daily')` is not true, and no edit would ever be noticed."""
    sql, _ = Job._meta.get_field("attention").generated_sql(oracle)
    assert "NOT (" not in sql
    assert sql.index('"PLANNED_SPEC" = ') < sql.index("THEN NULL") < sql.rindex('"STATE" IN')


def test_runs_without_a_job_may_be_alike_on_oracle(oracle):
    """It takes (NULL, key, 1) twice for twice the same: a second job could not be removed."""
    about = [sql for sql in _migrated(oracle) if '"DJANGO_SCHEDULER_RUN_ONCE"' in sql]
    *_, dropped, made = about
    assert dropped.endswith('DROP CONSTRAINT "DJANGO_SCHEDULER_RUN_ONCE";')
    assert made.startswith('CREATE UNIQUE INDEX "DJANGO_SCHEDULER_RUN_ONCE"')
    for column in ("JOB_ID", "KEY", "NUMBER"):
        assert f'CASE WHEN "JOB_ID" IS NOT NULL THEN "{column}" ELSE NULL END' in made


@pytest.mark.postgres
@pytest.mark.django_db
def test_the_index_in_the_constraints_place_says_the_same(monkeypatch):
    monkeypatch.setattr(
        connection.features, "supports_partially_nullable_unique_constraints", False
    )
    state = MigrationLoader(connection).project_state()
    operation = LetNullsDiffer("run", "django_scheduler_run_once", "job")
    with connection.schema_editor() as editor:
        operation.database_forwards("django_scheduler", editor, state, state)
    job = Job.objects.create(name="j", function="plain", created_at=NOW, anchor=NOW)
    make_row(None, key="same")
    make_row(None, key="same")
    make_row(job, key="same")
    with pytest.raises(Exception, match="django_scheduler_run_once"), transaction.atomic():
        make_row(job, key="same")
    connection.check_constraints()
    with connection.schema_editor() as editor:
        operation.database_backwards("django_scheduler", editor, state, state)
    with pytest.raises(Exception, match="django_scheduler_run_once"), transaction.atomic():
        make_row(job, key="same")


def test_rows_are_chosen_first_and_locked_by_their_keys():
    """Oracle locks nothing through FETCH FIRST (ORA-02014), and Django does not even send it."""
    with oracle_connection(answers=[[(7,), (9,)], [(7, None)]]) as oracle:
        due = JobClock.objects.using("oracle").filter(next_run_at__lte=NOW, job__state="active")
        first = due.order_by("next_run_at")[:2].values_list("job_id", "next_run_at")
        assert lock_raw(first, JobClock, Job) == [(7, None)]
        chosen, lock = oracle.noting.sent
    assert chosen.endswith("FETCH FIRST 2 ROWS ONLY")
    assert '"JOB_ID" IN (%s, %s)' in lock
    assert "FETCH" not in lock
    assert lock.endswith(
        ' FOR UPDATE OF "DJANGO_SCHEDULER_JOBCLOCK"."JOB_ID", "DJANGO_SCHEDULER_JOB"."ID" '
        "SKIP LOCKED"
    )
    assert '"NEXT_RUN_AT" <= %s' in lock, "what changed meanwhile is not taken"


def test_a_question_nothing_can_answer_is_one_oracle_can_be_asked(oracle):
    assert question(JobClock.objects.using("oracle").none()) == ("SELECT NULL FROM DUAL", ())


def test_a_batch_is_one_statement_of_djangos_with_many_parameters():
    names = ("last_status", "success_count", "last_success_at", "metadata")
    rows = [(7, "succeeded", 2, NOW, {"a": 1}), (9, "failed", 0, None, {})]
    with oracle_connection() as oracle:
        Generic("oracle").update(Job, names, rows, added={"success_count"})
        (sent,) = oracle.noting.sent
    assert sent == (
        'UPDATE "DJANGO_SCHEDULER_JOB" SET "LAST_STATUS" = %s, "SUCCESS_COUNT" = '
        '("DJANGO_SCHEDULER_JOB"."SUCCESS_COUNT" + %s), "LAST_SUCCESS_AT" = %s, "METADATA" = %s '
        'WHERE "DJANGO_SCHEDULER_JOB"."ID" = (%s)'
    )


def test_oracle_beside_another_default_is_warned_of(oracle, monkeypatch):
    ((message, hint),) = session_problems("oracle")
    assert "empty texts for NULL" in message
    assert "DJANGO_SCHEDULER['DATABASE'] \"default\"" in hint
    monkeypatch.setattr(connection.features, "interprets_empty_strings_as_nulls", True)
    assert session_problems("oracle") == []


@pytest.mark.django_db
def test_nothing_asks_to_lock_through_a_limit(monkeypatch):
    """Django would raise NotSupportedError: as after `.first()` of a lock."""
    monkeypatch.setattr(connection.features, "supports_select_for_update_with_limit", False)
    jobs.add("plain", schedule="@hourly")
    jobs.pause("plain")
    jobs.resume("plain")
    sync("default", installed())
    run = jobs.trigger("plain")
    assert jobs.get("plain").state == "active"
    assert Run.objects.get().pk == run.pk


@pytest.mark.django_db
def test_a_limit_chooses_the_same_rows_where_it_cannot_be_locked_through(monkeypatch):
    for n in range(4):
        job = Job.objects.create(name=f"j{n}", function="plain", created_at=NOW, anchor=NOW)
        JobClock.objects.create(job=job, planned_count=9 - n)
    clocks = JobClock.objects.filter(planned_count__lt=9).order_by("planned_count")
    found = []
    for can in (True, False):
        monkeypatch.setattr(connection.features, "supports_select_for_update_with_limit", can)
        with transaction.atomic():
            found.append([clock.planned_count for clock in locked(clocks[:2], skip=True)])
            found.append(
                [n for (n,) in lock_raw(clocks.values_list("planned_count")[:2], JobClock)]
            )
    assert found == [[6, 7]] * 4
    assert "oracle" not in connections
