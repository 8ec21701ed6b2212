import subprocess
import sys
import time
from dataclasses import replace

from rgm_bench.tracking.writer import FOREIGN_SECONDS, Writer


def test_text_round_trip():
    writer = Writer.this_process()
    assert Writer.parse(str(writer)) == writer


def test_this_process_lives_and_its_unfinished_child_has_failed():
    assert not Writer.this_process().is_dead()
    assert Writer.this_process().gave_up


def test_a_process_that_ended_is_dead():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        writer = Writer.of(process.pid)
        process.communicate(b"\n")
    assert writer.is_dead()
    assert writer.gave_up


def test_a_later_process_of_the_same_number_is_another_one():
    assert replace(Writer.this_process(), born=0).is_dead()


def test_a_running_process_of_this_host_has_not_given_up():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        writer = Writer.of(process.pid)
        assert not writer.gave_up
        process.communicate(b"\n")


def test_of_another_host_only_age_tells():
    writer = replace(Writer.this_process(), host="another.invalid")
    assert not writer.is_dead()
    assert not writer.gave_up
    silent = replace(writer, began=writer.began - FOREIGN_SECONDS - 1)
    assert silent.gave_up
    assert silent.is_dead()
    assert not silent.is_dead(heard=time.time() - FOREIGN_SECONDS / 2)


def test_a_container_of_this_host_is_another_one(monkeypatch):
    """Its process of our number is not ours, and one that we do not have may live there."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        writer = Writer.of(process.pid)
        process.communicate(b"\n")
    monkeypatch.setattr("rgm_bench.tracking.writer.pid_namespace", lambda: "pid:[1]")
    assert not writer.is_dead()
    monkeypatch.undo()
    assert writer.is_dead()
