"""No test may hang: the suite's limit is set, and a test that runs into it fails with the stack it hung in."""

import subprocess
import sys

HANGING = """
import threading


def wait_for_nobody():
    threading.Event().wait()


def test_that_hangs():
    wait_for_nobody()


def test_after_it():
    pass
"""


def test_every_test_has_a_limit(pytestconfig):
    assert 0 < float(pytestconfig.getini("timeout")) <= 120
    assert pytestconfig.getini("timeout_method") == "signal"


def test_a_hanging_test_fails_with_its_stack_and_the_next_one_runs(tmp_path):
    (tmp_path / "test_hanging.py").write_text(HANGING)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntimeout = 0.2\ntimeout_method = signal\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert run.returncode == 1
    assert "1 failed, 1 passed" in run.stdout
    assert "Timeout (>0.2s)" in run.stdout
    assert "threading.Event().wait()" in run.stdout  # the line it hung in
