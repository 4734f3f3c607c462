"""Shards are one adapter, and an index that lies is refused."""

import json

import pytest
from safetensors.numpy import save_file

import rankkit as rk
from tests.checkpoints.conftest import SPELLINGS


def test_shards_are_one_adapter(tmp_path):
    state, config = SPELLINGS["peft"]
    placed = {}
    for i, (key, value) in enumerate(state.items()):
        placed[key] = f"adapter_model-0000{i}-of-00002.safetensors"
        save_file({key: value}, tmp_path / placed[key])
    index = tmp_path / "adapter_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": placed}))
    assert rk.audit(tmp_path, config=config).table.equals(rk.audit(state, config=config).table)
    for broken, says in (
        ({"weight_map": {"x": "../../etc/passwd"}}, "files beside it"),
        ({"weight_map": {"x": "gone.safetensors"}}, "names the shard gone.safetensors"),
        ({"weight_map": {"x": placed[next(iter(placed))]}}, "but it does not"),
        ({"weight_map": 3}, "has no weight_map"),
    ):
        index.write_text(json.dumps(broken))
        with pytest.raises(ValueError, match=says):
            rk.audit(index)
