"""The safetensors reader: the reference library's values, and one sentence for every kind of damage."""

import json
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rankkit.checkpoints.files.safetensors import SafetensorsFile

ONE = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def write(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)
    return path


def test_values_agree_with_the_reference_library(tmp_path):
    values = torch.randn(7, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 100
    dtypes = (torch.float64, torch.float32, torch.float16, torch.bfloat16)
    tensors = {str(dtype): values.to(dtype) for dtype in dtypes} | {"int": torch.arange(3), "empty": torch.zeros(0, 4)}
    save_file(tensors, tmp_path / "t.safetensors", metadata={"format": "pt"})
    file = SafetensorsFile(tmp_path / "t.safetensors")
    assert set(file.info) == set(tensors)
    for dtype in dtypes:
        np.testing.assert_array_equal(file.read(str(dtype)).astype(float), tensors[str(dtype)].double())
    assert file.info["torch.bfloat16"] == ("BF16", (7, 5))
    assert file.read("empty").shape == (0, 4)
    np.testing.assert_array_equal(file.read("int"), np.arange(3))
    assert "dtype I64" in file.info["int"].trouble  # a number such as alpha may be one, a factor may not


def test_bfloat16_specials_survive(tmp_path):
    special = torch.tensor([float("inf"), -float("inf"), float("nan"), -0.0, 1e-40], dtype=torch.bfloat16)
    save_file({"x": special}, tmp_path / "t.safetensors")
    np.testing.assert_array_equal(SafetensorsFile(tmp_path / "t.safetensors").read("x"), special.float().numpy())


def test_null_metadata_is_fine(tmp_path):
    path = write(tmp_path / "t.safetensors", {"__metadata__": None, "x": ONE}, struct.pack("<2f", 1, 2))
    assert SafetensorsFile(path).read("x").tolist() == [1, 2]


DAMAGE = {
    "empty file": (b"", b"", None, "lacks|damaged"),
    "header beyond the file": ({"x": ONE}, b"\0" * 8, 10**6, "truncated"),
    "absurd header length": ({"x": ONE}, b"\0" * 8, 2**63, "truncated or no safetensors"),
    "not json": (b"{nonsense", b"", None, "damaged safetensors header"),
    "not utf-8": (b"\xff\xfe", b"", None, "damaged safetensors header"),
    "nested too deep": (b"[" * 100_000, b"", None, "damaged safetensors header"),
    "a list": (b"[1, 2]", b"", None, "not a JSON object"),
    "duplicate key": (b'{"x": %s, "x": %s}' % ((json.dumps(ONE).encode(),) * 2), b"\0" * 8, None, "'x' occurs twice"),
    "truncated data": ({"x": ONE}, b"\0" * 4, None, "truncated: tensor 'x' ends at byte 8 of 4"),
    "data left over": ({"x": ONE}, b"\0" * 12, None, "4 bytes behind its last tensor"),
    "overlap": ({"x": ONE, "y": ONE}, b"\0" * 8, None, "overlaps or leaves a gap"),
    "gap": ({"x": ONE | {"data_offsets": [4, 12]}}, b"\0" * 12, None, "overlaps or leaves a gap"),
    "shape against bytes": ({"x": ONE | {"shape": [3]}}, b"\0" * 8, None, "takes 8 bytes, but F32 of shape"),
    "overflowing shape": ({"x": ONE | {"shape": [2**40, 2**40]}}, b"\0" * 8, None, "takes 8 bytes"),
    "negative shape": ({"x": ONE | {"shape": [-2]}}, b"\0" * 8, None, "malformed"),
    "offsets backwards": ({"x": ONE | {"data_offsets": [8, 0]}}, b"\0" * 8, None, "ends before it begins"),
    "boolean offsets": ({"x": ONE | {"data_offsets": [False, 8]}}, b"\0" * 8, None, "malformed"),
    "no dtype": ({"x": {"shape": [2], "data_offsets": [0, 8]}}, b"\0" * 8, None, "lacks dtype"),
    "entry is no object": ({"x": 3}, b"", None, "lacks dtype"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_named_in_one_sentence(kind, tmp_path):
    header, data, length, says = DAMAGE[kind]
    path = write(tmp_path / "t.safetensors", header, data, length)
    with pytest.raises(ValueError, match=says) as caught:
        SafetensorsFile(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_shorter_than_its_prefix(tmp_path):
    (tmp_path / "t.safetensors").write_bytes(b"abc")
    with pytest.raises(ValueError, match="3 bytes is too short"):
        SafetensorsFile(tmp_path / "t.safetensors")
