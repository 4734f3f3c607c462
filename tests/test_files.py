"""Atomic writing: the new file whole, or the old one untouched."""

import numpy as np
import pytest

from rankkit.files import write_atomically, write_npz


def test_it_writes_and_replaces(tmp_path):
    for text in (b"one", b"two"):
        write_atomically(tmp_path / "file", lambda out, text=text: out.write(text))
        assert (tmp_path / "file").read_bytes() == text


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path):
    (tmp_path / "file").write_bytes(b"old")

    def fail(out):
        out.write(b"half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(tmp_path / "file", fail)
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("file", b"old")]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match="the folder .*absent does not exist; make it first"):
        write_atomically(tmp_path / "absent" / "file", lambda out: None)


def test_npz_members_may_have_any_name(tmp_path):
    arrays = {"file": np.arange(3.0), "layers.0/q": np.ones(2), "allow_pickle": np.zeros(1)}
    write_atomically(tmp_path / "a.npz", lambda out: write_npz(out, arrays))
    with np.load(tmp_path / "a.npz") as back:
        assert {name: back[name].tolist() for name in back} == {name: array.tolist() for name, array in arrays.items()}
