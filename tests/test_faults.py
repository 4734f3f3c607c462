"""Faults of what is around: disks, files, clocks, memory, pipes. Nothing is lost, and each costs one sentence."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.checkpoints.files.safetensors import SafetensorsFile
from rankkit.claims import Claim, Domain, Real, check
from rankkit.cli.main import main
from rankkit.store import MANIFEST, Store
from tests.checkpoints import fuzz

SWEEP = {"omegas": [1.0, 20.0], "seeds": 2, "progress": False}


def one_sentence(capsys, begins):
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(begins)
    assert said.err.count("\n") == 1
    return said.err


# files that change


def adapter(rng, modules):
    return {
        f"base_model.model.l.{i}.lora_{x}.weight": rng.standard_normal(shape).astype(np.float32)
        for i in range(modules)
        for x, shape in (("A", (2, 6)), ("B", (5, 2)))
    }


def later(path):
    """Move a file's time, as any write does whose moment the clock can tell from the one before."""
    about = path.stat()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 10**6))


def replaced(path, other):
    """Another file comes into its place."""
    other.replace(path)


def overwritten(path, other):
    """The same file is written anew."""
    path.write_bytes(other.read_bytes())
    later(path)


def torn(path, other):
    path.write_bytes(path.read_bytes()[:-40])


def grown(path, other):
    path.write_bytes(path.read_bytes() + bytes(40))


@pytest.mark.parametrize("change", [replaced, overwritten, torn, grown])
@pytest.mark.parametrize("kind", ["peft.safetensors", "lora.gguf", "mlx.npz"])
def test_a_file_that_changes_after_its_header_was_read_gives_no_number(kind, change, tmp_path):
    """The numbers at the places that the old header names would be another adapter's, or none."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        fuzz.sound(tmp_path / folder)
    path, other = tmp_path / "one" / kind, tmp_path / "two" / kind
    opened = open_adapter(path)
    assert opened.layers[0].product() is not None
    change(path, other)
    for layer in opened.layers:
        if layer.status in ("ok", "assumed"):
            with pytest.raises(ValueError, match="(changed|shrank) while it was being read"):
                layer.product()


def test_a_file_that_is_written_to_during_an_audit_costs_rows_and_no_wrong_one(tmp_path, monkeypatch):
    """The header is read, half of the modules are measured, then the file is another one with the same header."""
    rng = np.random.default_rng(0)
    first, second = adapter(rng, 8), adapter(rng, 8)
    save_file(first, tmp_path / "a.safetensors")
    save_file(second, tmp_path / "b.safetensors")
    right = rk.audit(tmp_path / "a.safetensors", progress=False).columns["spectral_norm"]
    read, calls = SafetensorsFile.read, []

    def reads(self, name):
        calls.append(name)
        if len(calls) == 9:
            overwritten(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
        return read(self, name)

    monkeypatch.setattr(SafetensorsFile, "read", reads)
    report = rk.audit(tmp_path / "a.safetensors", progress=False)
    assert report.columns["status"] == ["assumed"] * 4 + ["unsupported"] * 4
    assert report.columns["spectral_norm"][:4] == right[:4]
    assert all("changed while it was being read" in note for note in report.columns["note"][4:])


# disks


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize(
    "words",
    [["audit", "--sample", "--format", "csv", "-o"], ["predict", "--d", "32", "--r", "1", "--omegas", "1", "-o"]],
)
def test_a_folder_that_takes_no_file_is_one_sentence(words, code, tmp_path, monkeypatch, capsys):
    def mkstemp(*_, **__):
        raise OSError(code, os.strerror(code), str(tmp_path / "x.csv"))

    (tmp_path / "x.csv").write_text("before")
    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    assert main([*words, str(tmp_path / "x.csv"), *(["--no-progress"] if words[0] == "audit" else [])]) == 1
    assert os.strerror(code) in one_sentence(capsys, f"rankkit {words[0]}: ")
    assert (tmp_path / "x.csv").read_text() == "before"


def test_a_read_only_store_is_one_sentence_and_can_be_read(tmp_path, monkeypatch, capsys):
    words = ["sweep", "--d", "16", "--r", "1", "--omegas", "1", "--store", str(tmp_path / "s"), "--no-progress"]
    assert main([*words, "--seeds", "1"]) == 0
    capsys.readouterr()
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}

    def mkstemp(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)
    assert main([*words, "--seeds", "1"]) == 0  # nothing is left to be written
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before
    capsys.readouterr()
    assert (
        main(["sweep", "--d", "16", "--r", "1", "--omegas", "1", "--store", str(tmp_path / "t"), "--no-progress"]) == 1
    )
    one_sentence(capsys, "rankkit sweep: ")


@pytest.mark.parametrize("part", [0.0, 0.5, 0.99])
def test_a_file_system_that_renames_in_steps_costs_the_piece_that_it_was_at(part, tmp_path, monkeypatch):
    """A crash in the middle of a rename that copies: a torn piece is done again, also where it was whole before."""
    undisturbed = rk.sweep_frequency(12, 1, **SWEEP, chunk=1).table
    real, calls = os.replace, []

    class Crash(BaseException):
        pass

    def replace(source, target):
        calls.append(target)
        if len(calls) < 4:
            return real(source, target)
        Path(target).write_bytes(Path(source).read_bytes()[: int(part * Path(source).stat().st_size)])
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        with pytest.raises(Crash):
            rk.sweep_frequency(12, 1, store=tmp_path, **SWEEP, chunk=1)
    found = rk.sweep_frequency(12, 1, store=tmp_path, **SWEEP, chunk=1).table
    pd.testing.assert_frame_equal(found, undisturbed, check_exact=True)


def test_a_manifest_that_was_torn_is_one_sentence(tmp_path, capsys):
    """It is the first file of a store, so that nothing is lost with it."""
    for text in ("", '{"format": 1, "argu', "[]", "null"):
        (tmp_path / MANIFEST).write_text(text)
        assert main(["sweep", "--d", "8", "--r", "1", "--store", str(tmp_path), "--no-progress"]) in (1, 2)
        assert "cannot be read" in one_sentence(capsys, "rankkit sweep: ")


def test_a_store_of_a_later_format_is_refused(tmp_path, capsys):
    store = Store.begin(tmp_path, {"d": 8}, {"rankkit": "1"})
    store.write("0-1", {"x": np.ones(1)})
    about = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**about, "format": about["format"] + 1}))
    kept = (tmp_path / "0-1.npz").read_bytes()
    with pytest.raises(ValueError, match="format 2, and this rankkit reads format 1; use a later rankkit"):
        Store.begin(tmp_path, {"d": 8}, {"rankkit": "1"})
    assert (tmp_path / "0-1.npz").read_bytes() == kept


# clocks


@pytest.mark.parametrize("jump", [-86400.0, 86400.0])
def test_a_clock_that_jumps_changes_nothing(jump, tmp_path, monkeypatch):
    claim = Claim("mine", "x >= 1", domain=Domain(x=Real(0, 2)), margin=lambda v, a: v.x - 1)
    table = rk.sweep_frequency(12, 1, **SWEEP).table
    real, calls = time.time, []

    def jumps():
        calls.append(None)
        return real() + jump * (len(calls) % 2)

    monkeypatch.setattr(time, "time", jumps)
    for _ in range(2):  # the second time from the store, whose files are dated by another clock
        again = rk.sweep_frequency(12, 1, store=tmp_path, **SWEEP).table
        pd.testing.assert_frame_equal(again, table, check_exact=True)
        for path in tmp_path.iterdir():
            os.utime(path, (real() + jump, real() + jump))
    assert check(claim, budget=5.0).verdict.word == "FAILS"


# memory, pipes, the end of a terminal

LIMIT = 2 * 1024**3


def limited(*words, limit=LIMIT, **more):
    """Run the command in a process that may take so many bytes of addresses."""
    return subprocess.run(
        [sys.executable, "-m", "rankkit", *words],
        capture_output=True, text=True, check=False, timeout=100,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)), **more,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="limits on addresses are kept by Linux")
def test_the_largest_default_work_takes_no_two_gigabytes():
    """A sweep with all its defaults, at the size that the papers use most."""
    run = limited("sweep", "--d", "1024", "--seeds", "1", "--omegas", "1:900:3", "--no-progress", "--format", "csv")
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) > 1


@pytest.mark.skipif(sys.platform != "linux", reason="limits on addresses are kept by Linux")
def test_too_little_memory_is_one_sentence():
    run = limited("sweep", "--d", "30000", "--r", "2", "--omegas", "1", "--no-progress")
    assert run.returncode == 1
    assert run.stderr.startswith("rankkit sweep: out of memory: ")
    assert run.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [("audit", "--sample", "--no-progress"), ("audit", "--sample", "--format", "json", "--no-progress"), ("--help",)],
)
@pytest.mark.parametrize("reads", [0, 1])
def test_a_reader_that_leaves_is_nothing_wrong(words, reads):
    """As in `rankkit audit x | head -1`; and a pipe whose reader was gone from the beginning."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rankkit", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    if reads:
        assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(timeout=60) == 0


def test_what_is_written_to_a_full_pipe_is_whole(tmp_path):
    """A slow reader gets all of it."""
    out = tmp_path / "x"
    if shutil.which("sh"):
        subprocess.run(
            f"{sys.executable} -m rankkit audit --sample --format json --no-progress | (sleep 0.2; cat) > {out}",
            shell=True,
            check=True,
        )
        assert json.loads(out.read_text())
