"""What a user points to: every kind of file tells the same, and a folder means its adapter file."""

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

import rankkit as rk
from tests.checkpoints.conftest import SPELLINGS, A, B


def test_every_kind_of_file_tells_the_same(tmp_path):
    state, config = SPELLINGS["peft"]
    want = rk.audit(state, config=config).table
    for name in ("a.safetensors", "b.bin", "c.pt", "d.npz", "e.ckpt"):
        path = tmp_path / name
        if name.endswith("safetensors"):
            save_file(state, path)
        elif name.endswith("npz"):
            np.savez(path, **state)
        else:
            tensors = {key: torch.as_tensor(value) for key, value in state.items()}
            torch.save({"state_dict": tensors, "epoch": 3} if name == "e.ckpt" else tensors, path)
        assert rk.audit(path, config=config).table.equals(want), name


def test_a_folder_means_its_adapter_file(tmp_path):
    state = SPELLINGS["peft"][0]
    other = {"x.lora_A.weight": A, "x.lora_B.weight": B}
    (tmp_path / "sub").mkdir()
    save_file(other, tmp_path / "sub" / "adapter_model.safetensors")
    with pytest.raises(ValueError, match="its subfolders do: sub,"):
        rk.audit(tmp_path)
    for name in (
        "anything.safetensors",
        "pytorch_lora_weights.safetensors",
        "adapters.safetensors",
        "adapter_model.safetensors",
    ):
        save_file(state if name.startswith("adapter_model") else other, tmp_path / name)
        assert rk.audit(tmp_path).source == str(tmp_path / name)
    torch.save({"x": torch.ones(2)}, tmp_path / "adapter_model.bin")  # PEFT takes the other
    assert rk.audit(tmp_path).source == str(tmp_path / "adapter_model.safetensors")
    (tmp_path / "two").mkdir()
    for name in ("one", "another"):
        save_file(other, tmp_path / "two" / f"{name}.safetensors")
    with pytest.raises(ValueError, match=r"several tensor files: another.safetensors, one.safetensors; name one"):
        rk.audit(tmp_path / "two")
