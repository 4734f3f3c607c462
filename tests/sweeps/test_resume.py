"""A sweep cannot be lost: killed, torn, full or moved to a cluster, it ends with the bits of an undisturbed run."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

import rankkit as rk

ASKED: dict[str, Any] = {"omegas": [0.5, 3.0, 20.0, 60.0, 200.0, 900.0], "seeds": 4, "chunk": 2}
D, R = 112, 2


def asked(**changes: Any) -> dict[str, Any]:
    return ASKED | changes


@pytest.fixture(scope="module")
def undisturbed():
    return rk.sweep_frequency(D, R, **ASKED)


def same(sweep, other):
    pd.testing.assert_frame_equal(sweep.table, other.table, check_exact=True)
    return True


def test_a_store_changes_nothing_and_is_a_sweep(undisturbed, tmp_path):
    assert same(rk.sweep_frequency(D, R, store=tmp_path / "run", **ASKED), undisturbed)
    assert same(rk.Sweep.load(tmp_path / "run"), undisturbed)
    assert len(list((tmp_path / "run").glob("*.npz"))) == 12


@pytest.mark.parametrize("chunk", [1, 2, 6])
def test_lost_and_torn_pieces_are_done_again_in_any_chunking(undisturbed, tmp_path, chunk):
    rk.sweep_frequency(D, R, store=tmp_path, **ASKED)
    pieces = sorted(tmp_path.glob("*.npz"))
    pieces[0].unlink()
    pieces[3].write_bytes(pieces[3].read_bytes()[:200])
    pieces[4].write_bytes(b"")
    whole = bytearray(pieces[7].read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    pieces[7].write_bytes(whole)
    partial = rk.Sweep.load(tmp_path)
    assert 16 <= len(partial.table) < 24
    assert same(rk.sweep_frequency(D, R, store=tmp_path, **asked(chunk=chunk)), undisturbed)


def test_what_is_done_is_not_done_again(undisturbed, tmp_path):
    """A falsified piece survives: it was read, not computed."""
    rk.sweep_frequency(D, R, store=tmp_path, **ASKED)
    piece = sorted(tmp_path.glob("*.npz"))[0]
    with np.load(piece) as file:
        arrays = dict(file)
    arrays["stable_rank"] = arrays["stable_rank"] + 1000
    np.savez(piece, **arrays)
    again = rk.sweep_frequency(D, R, store=tmp_path, **ASKED).table["stable_rank"]
    assert np.sum(again > 1000) == 2


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"rtol": 1e-3}, "rtol .* there and 0.001 here"),
        ({"seeds": 5}, r"seeds \[0, 1, 2, 3\] there and \[0, 1, ..., 4\] \(5 of them\) here"),
        ({"rule": lambda omega: rk.rules.Sine(omega, gain=2.0)}, "rule Sine.* there and Sine.* here"),
        ({"metrics": ["numerical_rank"]}, "metrics"),
    ],
)
def test_another_sweeps_store_is_refused_with_the_difference(tmp_path, change, difference):
    rk.sweep_frequency(D, R, store=tmp_path, **ASKED)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"is the store of another computation: .*{difference}.*; name another folder"):
        rk.sweep_frequency(D, R, store=tmp_path, **asked(**change))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_other_frequencies_do_not_look_like_another_rule(tmp_path):
    rk.sweep_frequency(16, 1, store=tmp_path, omegas=[1.0, 2.0], seeds=1)
    with pytest.raises(ValueError, match=r"omegas \[1\.0, 2\.0\] there and \[1\.0, 3\.0\] here; name another"):
        rk.sweep_frequency(16, 1, store=tmp_path, omegas=[1.0, 3.0], seeds=1)


def test_two_lambdas_that_do_the_same_are_the_same(tmp_path):
    rk.sweep_frequency(16, 1, store=tmp_path, rule=lambda omega: rk.rules.Sine(omega), omegas=[1.0], seeds=1)
    rk.sweep_frequency(16, 1, store=tmp_path, rule=lambda w: rk.rules.Sine(w), omegas=[1.0], seeds=1)


def test_another_platform_is_a_warning(tmp_path):
    rk.sweep_frequency(16, 1, store=tmp_path, omegas=[1.0], seeds=1)
    manifest = tmp_path / "store.json"
    about = json.loads(manifest.read_text())
    about["platform"]["numpy"] = "1.0"
    manifest.write_text(json.dumps(about))
    with pytest.warns(UserWarning, match=r"begun on another platform: numpy 1\.0 there"):
        rk.sweep_frequency(16, 1, store=tmp_path, omegas=[1.0], seeds=1)


def test_no_store_and_an_empty_one_are_named(tmp_path):
    with pytest.raises(ValueError, match="holds no readable sweep"):
        rk.Sweep.load(tmp_path)
    (tmp_path / "store.json").write_text("{")
    with pytest.raises(ValueError, match="cannot be read"):
        rk.sweep_frequency(16, 1, store=tmp_path, omegas=[1.0], seeds=1)


def test_a_full_disk_loses_nothing_that_was_done(undisturbed, tmp_path, monkeypatch):
    real, calls = os.fsync, []

    def full(handle):
        calls.append(handle)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            rk.sweep_frequency(D, R, store=tmp_path, **ASKED)
    kept = list(tmp_path.glob("*.npz"))
    assert 0 < len(kept) < 12
    assert not list(tmp_path.glob(".*"))  # no half-written file
    assert same(rk.sweep_frequency(D, R, store=tmp_path, **ASKED), undisturbed)


LONG = (
    f"import rankkit as rk; rk.sweep_frequency({D}, {R}, store={{store!r}}, omegas={ASKED['omegas']}, seeds=4, chunk=1)"
)


def begun(command, store, pieces):
    """Start a process and return it when it has finished so many pieces."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(list(store.glob("*.npz"))) < pieces and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    return process


@pytest.mark.parametrize("pieces", [1, 5, 17])
def test_a_killed_run_goes_on(undisturbed, tmp_path, pieces):
    process = begun([sys.executable, "-c", LONG.format(store=str(tmp_path))], tmp_path, pieces)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for litter in tmp_path.glob(".*"):  # a torn temporary file is ignored, whatever it holds
        litter.write_bytes(b"torn")
    assert same(rk.sweep_frequency(D, R, store=tmp_path, **ASKED), undisturbed)


@pytest.fixture
def heard():
    """Processes that a test begins hear these signals, also where the tests run under nohup or in the background."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT)}
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(("sent", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_leaves_a_partial_result_and_says_how_to_go_on(sent, status, tmp_path):
    """Ctrl-C, a batch system's end, and a terminal that closes."""
    store = tmp_path / "run"
    command = f"-m rankkit sweep --d 160 --r 2 --omegas 1:900:400 --seeds 8 --store {store} --no-progress".split()
    process = begun([sys.executable, *command], store, 2)
    process.send_signal(getattr(signal, sent))
    _, said = process.communicate(timeout=60)
    assert process.returncode == status
    assert not list(store.glob(".*"))  # no half-written file
    assert "chunks are left; the same call with the store" in said
    assert "Traceback" not in said
    assert 0 < len(rk.Sweep.load(store).table) < 3200


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_processes_find_the_same_bits(undisturbed, n_jobs):
    with joblib.parallel_config(backend="loky"):
        assert same(rk.sweep_frequency(D, R, n_jobs=n_jobs, **ASKED), undisturbed)


def test_a_dask_cluster_finds_the_same_bits_though_a_worker_is_killed(undisturbed, tmp_path):
    distributed = pytest.importorskip("distributed")
    from concurrent.futures import ThreadPoolExecutor

    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
        ThreadPoolExecutor(1) as background,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def kill():
            while len(list(tmp_path.glob("*.npz"))) < 3:
                time.sleep(0.001)
            os.kill(victim, signal.SIGKILL)

        killed = background.submit(kill)
        with joblib.parallel_config(backend="dask"):
            swept = rk.sweep_frequency(D, R, store=tmp_path, **asked(chunk=1))
        killed.result(timeout=60)
    assert same(swept, undisturbed)


def test_a_backend_that_returns_all_at_once_still_keeps_pieces_on_the_way(undisturbed, tmp_path):
    """Ray's is one: it has no generator of results."""

    class AllAtOnce(joblib._parallel_backends.ThreadingBackend):
        supports_return_generator = False

    joblib.register_parallel_backend("all_at_once", AllAtOnce)
    seen = []

    def rule(omega):
        seen.append(len(list(tmp_path.glob("*.npz"))))
        return rk.rules.Sine(omega)

    with joblib.parallel_config(backend="all_at_once"):
        swept = rk.sweep_frequency(D, R, store=tmp_path, rule=rule, **asked(chunk=1))
    pd.testing.assert_frame_equal(swept.table, undisturbed.table, check_exact=True)
    assert {0, 12} <= set(seen)


def test_no_scheduler_is_one_sentence(capsys):
    pytest.importorskip("distributed")
    from rankkit.cli.main import main

    assert main(["sweep", "--d", "8", "--r", "1", "--scheduler", "nonsense://x"]) == 2
    assert "no Dask scheduler answers at nonsense://x" in capsys.readouterr().err


def test_torch_batches_under_a_memory_cap_and_after_running_out(undisturbed, monkeypatch):
    torch = pytest.importorskip("torch")
    capped = rk.sweep_frequency(D, R, device="cpu", memory=8 * 12 * D * D * 4, **asked(chunk=6))
    sizes, stack = [], torch.stack

    def small(updates, *rest):
        sizes.append(len(updates))
        if len(updates) > 3:
            raise torch.OutOfMemoryError("planted")
        return stack(updates, *rest)

    monkeypatch.setattr(torch, "stack", small)
    halved = rk.sweep_frequency(D, R, device="cpu", **asked(chunk=6))
    assert sizes[0] == 6
    assert 3 in sizes
    for there in (capped, halved):
        for name in ("numerical_rank", "numerical_rank_lower", "numerical_rank_upper"):
            np.testing.assert_array_equal(there.table[name], undisturbed.table[name])
        np.testing.assert_allclose(there.table["stable_rank"], undisturbed.table["stable_rank"], rtol=4e-9)


def test_the_papers_protocol_is_a_preset():
    sweep = rk.sweep_frequency(12, 2, protocol="adasine", seeds=2)
    assert sweep.arguments["omegas"] == list(range(1, 1001))
    assert sweep.arguments["seeds"] == [0, 1]
    assert sweep.metrics == ("numerical_rank",)
    with pytest.raises(ValueError, match="protocol must be one of adasine, got 'other'"):
        rk.sweep_frequency(12, 2, protocol="other")
