"""Files from strangers: nothing in them runs, nothing inflates, and each ends in rows or one sentence with exit 1."""

import json
import os
import pickle
import subprocess
import sys
import time
import zipfile
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import rankkit as rk
from rankkit.cli.main import main
from tests.checkpoints import fuzz


class Payload:
    """Runs a command when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def pickled(path, marker):
    path.write_bytes(pickle.dumps({"x.lora_A": Payload(marker)}))


def torch_saved(path, marker):
    torch.save({"x.lora_A.weight": torch.ones(2, 2), "x": Payload(marker)}, path)


def object_array(path, marker):
    np.savez(path, **{"x.lora_a": np.array([Payload(marker)], dtype=object), "x.lora_b": np.ones((2, 2))})


def object_header(path, marker):
    """An array that claims to hold numbers but whose bytes are a pickle."""
    with zipfile.ZipFile(path, "w") as archive:
        body = pickle.dumps(Payload(marker))
        header = f"{{'descr': '|O', 'fortran_order': False, 'shape': ({len(body)},), }}".ljust(117).encode() + b"\n"
        archive.writestr("x.lora_a.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body)


@pytest.mark.parametrize(
    ("make", "name"),
    [(pickled, "a.bin"), (pickled, "a.pt"), (torch_saved, "a.bin"), (object_array, "a.npz"), (object_header, "a.npz")],
)
def test_what_is_pickled_does_not_run(make, name, tmp_path, capsys):
    marker, path = tmp_path / "it-ran", tmp_path / name
    make(path, marker)
    assert main(["audit", str(path), "--no-progress"]) == 1
    said = capsys.readouterr()
    assert not marker.exists()
    assert said.out == ""
    assert said.err.startswith("rankkit audit: ")
    assert said.err.count("\n") == 1
    pickle.loads(pickle.dumps(Payload(marker)))  # and the payload does run where pickles are trusted
    assert marker.exists()


class Asked:
    """Asks for a large object that no file holds."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call[0], self.call[1:]


@pytest.mark.parametrize("new", [True, False])
@pytest.mark.parametrize("asked", [Asked(bytearray, 10**9), Asked(torch.FloatTensor, 10**4, 10**5)])
def test_a_pickle_may_not_ask_for_memory(asked, new, tmp_path):
    state = {"x.lora_A.weight": torch.ones(2, 3), "x.lora_B.weight": torch.ones(4, 2)}
    torch.save({**state, "y": asked}, tmp_path / "bad.pt", _use_new_zipfile_serialization=new)
    torch.save(state, tmp_path / "good.pt", _use_new_zipfile_serialization=new)
    with pytest.raises(ValueError, match="no stored tensor needs"):
        rk.audit(tmp_path / "bad.pt")
    assert rk.audit(tmp_path / "good.pt").columns["status"] == ["assumed"]


def test_a_tensor_that_is_not_stored_is_not_read(tmp_path):
    """Strides of zero make a small storage a matrix of any size."""
    one = torch.ones(2, 1)
    state = {f"{name}.lora_B.weight": torch.ones(4, 2) for name in "xyz"} | {
        "x.lora_A.weight": one.as_strided((2, 10**9), (0, 0)),
        "y.lora_A.weight": torch.ones(2, 3).to_sparse(),
        "z.lora_A.weight": torch.ones(2, 3),
    }
    torch.save(state, tmp_path / "a.pt")
    table = rk.audit(tmp_path / "a.pt").table.set_index("module")
    assert table["status"].to_dict() == {"x": "unsupported", "y": "unsupported", "z": "assumed"}
    assert "not stored number by number" in table["note"]["x"]


def test_two_members_of_one_name_are_refused(tmp_path):
    """Two readers of one archive might each take another."""
    torch.save({"x.lora_A.weight": torch.ones(2, 3), "x.lora_B.weight": torch.ones(4, 2)}, tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(next(name for name in archive.namelist() if name.endswith("data.pkl")), b"\x80\x02}.")
    with pytest.raises(ValueError, match="two of its members have one name"):
        rk.audit(tmp_path / "a.pt")


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "\u202ebackwards", "n" * 3000])
def test_no_name_reaches_the_terminal_as_a_command(name, tmp_path, capsys):
    sound = {"q.lora_A.weight": np.ones((2, 3)), "q.lora_B.weight": np.ones((4, 2))}
    state = {f"{name}.lora_{x}.weight": value for x, value in (("A", np.ones((2, 3))), ("B", np.ones((4, 2))))}
    for tensors, status in ((state, 1), (state | sound, 0)):
        save_file(tensors, tmp_path / "a.safetensors")
        assert main(["audit", str(tmp_path / "a.safetensors"), "--no-progress"]) == status
        said = "".join(capsys.readouterr())
        assert all(c.isprintable() for c in said.replace("\n", ""))
        assert len(said) < 3000


def test_small_tensors_may_not_stand_for_large_factors():
    ends = {"x.lora_down.weight": np.ones((1000, 200, 1, 1)), "x.lora_up.weight": np.ones((200, 1000, 1, 1))}
    wide = np.broadcast_to(np.float32(1), (1000, 1000, 15, 15))  # a state dict: a file would have to hold it
    loha = {f"y.hada_w{i}_{x}": np.ones((4000, 200) if x == "a" else (200, 4000)) for i in "12" for x in "ab"}
    assert rk.audit(loha).columns["status"] == ["unsupported"]
    assert "stand for factors of" in rk.audit(loha).columns["note"][0]
    assert rk.audit(ends | {"x.lora_mid.weight": wide[:, :, :1, :1]}).columns["status"] == ["assumed"]


def test_a_pattern_that_runs_away_gets_its_time_once():
    def state(modules):
        names = [f"l.{i}.{'a' * 40}b.q" for i in range(modules)]
        return {f"{n}.lora_{x}.weight": np.ones(s) for n in names for x, s in (("A", (2, 3)), ("B", (4, 2)))}

    def seconds(modules, end):
        config = {"peft_type": "LORA", "r": 2, "alpha_pattern": {f"(.*a+)+(a|b|aa)+${end}": 3}}
        start = time.perf_counter()
        assert set(rk.audit(state(modules), config=config).columns["status"]) == {"unsupported"}
        return time.perf_counter() - start

    assert seconds(60, "c") < 10 * seconds(1, "d")  # its time for each module would be 60


def bomb(path, entry, size):
    """Write a zip whose one member is `size` zeros behind a sound beginning."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(entry, "w", force_zip64=True) as member,
    ):
        if path.suffix == ".npz":
            header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({size // 4000}, 1000), }}".ljust(
                117
            ).encode()
            member.write(b"\x93NUMPY\x01\x00" + (len(header) + 1).to_bytes(2, "little") + header + b"\n")
        for _ in range(size // 1_000_000):
            member.write(bytes(1_000_000))


@pytest.mark.parametrize(("name", "entry"), [("a.npz", "x.lora_a.npy"), ("a.bin", "archive/data/0")])
def test_a_bomb_is_refused_before_it_goes_off(name, entry, tmp_path):
    path = tmp_path / name
    bomb(path, entry, 600_000_000)
    code = (
        "import sys, pathlib, rankkit\n"
        "try: rankkit.audit(sys.argv[1])\n"
        "except ValueError as error: print(error)\n"
        # not getrusage: a child's maximum begins at what its parent held
        "status = dict(line.split(':', 1) for line in pathlib.Path('/proc/self/status').read_text().splitlines())\n"
        "print(int(status['VmHWM'].split()[0]) // 1024)"
    )
    run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    said, memory = run.stdout.splitlines()
    assert "inflates" in said or "unpack to" in said
    assert int(memory) < 500


@pytest.mark.parametrize("keep", [0, 1, 7, 30, 0.5, 0.9, -1])
@pytest.mark.parametrize("kind", ["peft.bin", "list.pt", "old.pt", "mlx.npz", "packed.npz", "peft.safetensors"])
def test_truncated_files_are_refused(kind, keep, tmp_path):
    (tmp_path / "sound").mkdir()
    whole = next(path for path in fuzz.sound(tmp_path / "sound") if path.name == kind).read_bytes()
    assert rk.audit(tmp_path / "sound" / kind).columns["status"]
    path = tmp_path / kind
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        rk.audit(path)


def test_a_tensor_that_is_damaged_costs_no_other_row(tmp_path):
    state: dict[str, Any] = {
        f"l.{i}.q.lora_{x}": np.random.default_rng(i).standard_normal(s)
        for i in range(3)
        for x, s in (("a", (6, 2)), ("b", (2, 5)))
    }
    np.savez(tmp_path / "a.npz", **state)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    at = data.index(state["l.1.q.lora_a"].tobytes())
    data[at + 20] ^= 0xFF  # the archive's checksum of this member no longer holds
    (tmp_path / "a.npz").write_bytes(data)
    report = rk.audit(tmp_path / "a.npz")
    assert report.table["status"].tolist() == ["assumed", "unsupported", "assumed"]
    assert "l.1.q.lora_a is damaged" in report.table["note"].iloc[1]


def test_several_adapters_one_of_them_bad(tmp_path, capsys):
    (tmp_path / "sound").mkdir()
    good = next(path for path in fuzz.sound(tmp_path / "sound") if path.name == "peft.safetensors")
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nonsense")
    assert main(["audit", str(good), str(bad), str(good), "--no-progress"]) == 1
    said = capsys.readouterr()
    assert said.out.count("2 of 2 modules measured, 2 of them with an unknown scale.") == 2
    assert said.err.count("\n") == 1
    assert main(["audit", str(good), str(good), "--format", "json", "--no-progress"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2


def test_a_few_hundred_mutants(tmp_path):
    """The long run is `python -m tests.checkpoints.fuzz`."""
    ends = [fuzz.judge(path) for path in fuzz.cases(tmp_path, 400, seed=11)]
    assert {ended for ended, _ in ends} == {"rows", "refused"}, [
        end for end in ends if end[0] not in ("rows", "refused")
    ]
    assert sum(ended == "rows" for ended, _ in ends) > 20


def test_the_fuzzer_catches_a_planted_fault(tmp_path, monkeypatch):
    path = fuzz.sound(tmp_path)[0]
    for fault, ended in ((KeyError("planted"), "CRASHED: KeyError"), (ValueError("two\nlines"), "NOT ONE SENTENCE")):

        def audit(source, progress, fault=fault):
            raise fault

        monkeypatch.setattr(rk, "audit", audit)
        assert fuzz.judge(path)[0] == ended
