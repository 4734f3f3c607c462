"""Shards are one adapter, and an index that lies is refused."""

import json

import pytest
import torch
from safetensors.numpy import save_file

import rankkit as rk
from tests.checkpoints.conftest import SPELLINGS


def torchs(state, path):
    torch.save({key: torch.as_tensor(value) for key, value in state.items()}, path)


@pytest.mark.parametrize(("ending", "save"), [("safetensors", save_file), ("bin", torchs)])
def test_shards_are_one_adapter(ending, save, tmp_path):
    state, config = SPELLINGS["peft"]
    placed = {}
    for i, (key, value) in enumerate(state.items()):
        placed[key] = f"adapter_model-0000{i}-of-00002.{ending}"
        save({key: value}, tmp_path / placed[key])
    with pytest.raises(ValueError, match="without the index"):
        rk.audit(tmp_path)
    index = tmp_path / f"adapter_model.{ending}.index.json"
    index.write_text(json.dumps({"weight_map": placed}))
    assert rk.audit(tmp_path, config=config).table.equals(rk.audit(state, config=config).table)
    for broken, says in (
        ({"weight_map": {"x": "../../etc/passwd"}}, "files beside it"),
        ({"weight_map": {"x": f"gone.{ending}"}}, f"names the shard gone.{ending}"),
        ({"weight_map": {"x": placed[next(iter(placed))]}}, "but it does not"),
        ({"weight_map": 3}, "has no weight_map"),
    ):
        index.write_text(json.dumps(broken))
        with pytest.raises(ValueError, match=says):
            rk.audit(index)
