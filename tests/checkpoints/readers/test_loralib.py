"""loralib, LitGPT and AdapterHub: how many groups a projection fuses, and how many rows each of them has."""

import numpy as np
import pytest

from rankkit.checkpoints import open_adapter
from tests.checkpoints.readers.opened import normal, only, update


@pytest.mark.parametrize(("groups", "fits"), [(1, True), (2, True), (16, True), (17, False)])
def test_loralib_fuses_sixteen_groups_at_most(groups, fits):
    state = {"q.lora_A": normal(2 * groups, 5), "q.lora_B": normal(3 * groups, 2)}
    layer = only(state, {"lora_alpha": 4})
    assert layer.status == ("ok" if fits else "unsupported")
    if fits:
        assert (layer.m, layer.r, layer.scale) == (3 * groups, 2 * groups, 2.0)
    assert only({"q.lora_A": normal(5, 5), "q.lora_B": normal(6, 2)}, {"lora_alpha": 4}).status == "unsupported"


LITGPT = "transformer.h.0.attn.attn"


@pytest.mark.parametrize(("path", "rows", "config", "heights"), [
    (LITGPT, 18, {}, (8, 5, 5)), (LITGPT, 24, {}, None), ("q", 18, {}, None), ("q", 17, {}, None), ("q", 20, {}, (8, 6, 6)),
    (LITGPT, 18, {"n_head": 4, "n_query_groups": 2}, None), (LITGPT, 16, {"n_head": 4, "n_query_groups": 2}, (8, 4, 4)),
    (LITGPT, 32, {"n_head": 4, "n_query_groups": 2, "head_size": 4}, (16, 8, 8)), (LITGPT, 18, {"n_head": 0, "n_query_groups": 2}, (8, 5, 5)),
    (LITGPT, 18, {"lora_query": False}, None), ("x.transformer.h.7.attn.qkv", 18, {}, (8, 5, 5)),
])  # fmt: skip
def test_the_query_of_litgpt_has_more_rows_than_key_and_value(path, rows, config, heights):
    """Which rows belong to which group: by the model's numbers, or as many for the query as there are inputs."""
    r, n = 2, 8
    B, A = normal(rows, r), normal(3 * r, n)
    layer = only({f"{path}.lora_A": A, f"{path}.lora_B": B}, {"lora_alpha": 2} | config)
    cut = heights or ((rows // 3,) * 3 if rows % 3 == 0 else None)
    if cut is None:
        assert layer.status == "unsupported"
        return
    ends = np.cumsum(cut)[:-1]
    delta = np.concatenate([b @ a for b, a in zip(np.split(B, ends), np.split(A, 3), strict=True)])
    np.testing.assert_allclose(update(layer), delta, atol=1e-13)
    plain = rows == 3 * n or (path == "q" and rows % 3 == 0) or "n_query_groups" in config
    assert layer.assumed == (() if plain else ("order",))
    if not plain:
        said = " and ".join(map(str, heights)) if heights else "3 equal parts"
        assert f"{said} assumed" in layer.notes[-1]


def test_no_group_of_litgpt_is_empty():
    """As many rows as inputs leave none for key and value: the factors are read the other way round, which multiplies."""
    layer = only({f"{LITGPT}.lora_A": normal(6, 8), f"{LITGPT}.lora_B": normal(8, 2)}, {"lora_alpha": 2})
    assert (layer.m, layer.n, layer.r) == (2, 6, 8)


@pytest.mark.parametrize("field", ["use_gating", "composition_mode", "vera_d"])
def test_adapterhub_s_updates_that_are_no_b_a_are_refused(field):
    state = {f"q.loras.mine.lora_{x}": y for x, y in (("A", normal(2, 5)), ("B", normal(6, 2)))}
    with pytest.raises(ValueError, match=f"sets {field} in its config"):
        open_adapter(state, config={"config": {"r": 2, "alpha": 4, field: "scale"}})
    for plain in (None, False, "add"):
        assert only(state, {"config": {"r": 2, "alpha": 4, field: plain}}).scale == 2
    assert only(state, {"config": "x"}).scale == 1
