"""Who this process is, and which others of its machine are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from django_scheduler.runner import Identity, is_gone

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="this system has no /proc"
)


def _stat(proc, pid, *, state="S", threads=1, started=500, name="python3"):
    folder = proc / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    fields = [state, *["0"] * 16, str(threads), "0", str(started), "0"]
    (folder / "stat").write_text(f"{pid} ({name}) {' '.join(fields)}\n")


def _exists(_pid, _signal):
    return None


def _is_somebody_elses(_pid, _signal):
    raise PermissionError


@pytest.fixture
def child():
    """A process that lives until its input closes."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()
    process.stdin.close()


def _started(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def test_this_process_knows_itself_and_is_not_gone():
    own = Identity.own()
    assert own is not None
    assert own == Identity.own()
    assert own.boot_id
    assert "pid:[" in own.namespaces
    assert not is_gone(os.getpid(), own.pid_started)


def test_a_process_is_gone_when_it_has_ended(child):
    started = _started(child.pid)
    assert not is_gone(child.pid, started)
    child.kill()
    child.wait()
    assert is_gone(child.pid, started)


def test_a_process_nobody_has_collected_is_gone(child):
    started = _started(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(child.pid, started)


def test_an_id_given_anew_is_another_process(child):
    """P5: the number lives, who had it does not."""
    assert is_gone(child.pid, _started(child.pid) - 1)


@pytest.mark.parametrize("name", ["python3", "a b) S 1 (c"])
def test_a_name_may_hold_anything(tmp_path, name):
    _stat(tmp_path, 7, started=500, name=name)
    assert not is_gone(7, 500, proc=tmp_path, probe=_exists)
    assert is_gone(7, 499, proc=tmp_path, probe=_exists)


def test_an_ended_leader_whose_threads_go_on_is_not_gone(tmp_path):
    _stat(tmp_path, 7, state="Z", threads=2)
    assert not is_gone(7, 500, proc=tmp_path, probe=_exists)


def test_a_process_that_cannot_be_looked_at_is_not_gone(tmp_path):
    """Mounted with hidepid, /proc shows only one's own."""
    assert not is_gone(7, 500, proc=tmp_path, probe=_exists)
    assert not is_gone(7, 500, proc=tmp_path, probe=_is_somebody_elses)


def test_a_file_that_cannot_be_read_proves_nothing(tmp_path):
    _stat(tmp_path, 7)
    (tmp_path / "7" / "stat").write_text("7 (half")
    assert not is_gone(7, 500, proc=tmp_path, probe=_exists)


def test_zero_is_no_process():
    """The system would take it for the whole process group."""
    assert not is_gone(0, 500)


def _proc_of(tmp_path, **changes):
    facts = {"self": str(os.getpid()), "boot_id": "b-1", "pid": "pid:[1]", **changes}
    _stat(tmp_path, os.getpid())
    (tmp_path / "sys/kernel/random").mkdir(parents=True)
    (tmp_path / "sys/kernel/random/boot_id").write_text(facts["boot_id"] + "\n")
    (tmp_path / facts["self"]).mkdir(exist_ok=True)
    (tmp_path / "self").symlink_to(facts["self"])
    (tmp_path / "self" / "ns").mkdir()
    if facts["pid"]:
        (tmp_path / "self" / "ns" / "pid").symlink_to(facts["pid"])
    return tmp_path


def test_an_identity_is_the_boot_the_namespaces_and_the_start(tmp_path):
    assert Identity.own(_proc_of(tmp_path)) == Identity("b-1", "pid:[1]", 500)


def test_without_proc_nothing_is_known(tmp_path):
    assert Identity.own(tmp_path) is None


@pytest.mark.parametrize("changes", [{"self": "999999"}, {"boot_id": ""}, {"pid": ""}])
def test_what_is_told_by_halves_is_not_taken(tmp_path, changes):
    """/proc of another namespace, or one that hides the boot or the namespaces."""
    assert Identity.own(_proc_of(tmp_path, **changes)) is None


def test_an_identity_is_that_of_one_process(child):
    own = Identity.own()
    assert replace(own, pid_started=_started(child.pid)) != own
