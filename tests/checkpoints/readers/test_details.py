"""Particulars of single families: what they take for granted, what they refuse, and whose keys are whose."""

import math
import re

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints import READERS, open_adapter
from rankkit.checkpoints.files.tensors import StateDict
from rankkit.rules import Sine, Sinter
from tests.checkpoints.readers.opened import OWN, normal, only, pair, update


def test_what_loran_s_code_takes_for_granted():
    state = pair("q", ".mlora_A.weight", ".mlora_B.weight")
    layer = only(state, {"peft_type": "MLORA", "r": 2, "mlora_alpha": 6})
    assert layer.rule == Sinter(5e-5, 1e4, scale=3.0)
    assert layer.assumed == ("frequency",)
    for name, value in (("mlora_af", "Tanh"), ("mlora_af_sin_omega", -1)):
        refused = only(state, {"peft_type": "MLORA", "r": 2, "mlora_alpha": 6, name: value})
        assert (refused.status, name in refused.notes[0]) == ("unsupported", True)
    zero = only(
        state,
        {
            "peft_type": "MLORA",
            "r": [2, 9],
            "mlora_alpha": 6,
            "mlora_af": "sin",
            "mlora_af_sin_A": 1,
            "mlora_af_sin_omega": 0,
        },
    )
    assert (zero.status, zero.assumed, zero.rule) == ("ok", (), Sinter(1.0, 0.0, scale=3.0))
    assert [note for note in only(state).notes if "mlora_af_sin_A and mlora_af_sin_omega" in note]


@pytest.mark.parametrize("s", [None, math.sqrt(5), 3.0])
def test_the_authors_sine_divides_by_the_root_of_the_inputs_whatever_is_configured(s):
    config = {"peft_type": "SINLORA", "r": 2, "lora_alpha": 6, "freq": 2.0} | ({} if s is None else {"s": s})
    layer = only(pair(), config)
    assert (layer.rule, layer.assumed) == (Sine(2.0, gain=math.sqrt(5) / 3), ())
    assert len(layer.notes) == (s == 3.0)


# -- the others


def test_a_gguf_adapter_s_alpha_of_zero_is_a_scale_of_one():
    names = (".weight.lora_a", ".weight.lora_b")
    assert only(pair("q", *names), {"lora_alpha": 0}).scale == 1
    assert only(pair("q", *names), {"lora_alpha": 6}).scale == 3
    words = {"token_embd.weight.lora_a": normal(7, 2), "token_embd.weight.lora_b": normal(6, 2)}
    layer = only(words, {"lora_alpha": 2})
    assert (layer.m, layer.n, layer.r, layer.transposed) == (6, 7, 2, True)
    np.testing.assert_allclose(update(layer), words["token_embd.weight.lora_b"] @ words["token_embd.weight.lora_a"].T)
    assert not only(pair("q", *names), {"lora_alpha": 6}).transposed
    broken = {"token_embd.weight.lora_a": normal(7, 2, 1), "token_embd.weight.lora_b": normal(6, 2)}
    assert only(broken, {"lora_alpha": 2}).status == "unsupported"


def test_a_number_beside_mlx_s_scale_is_not_understood():
    state = {"q.lora_a": normal(5, 2), "q.lora_b": normal(2, 6)}
    config = {"fine_tune_type": "lora", "lora_parameters": {"scale": 3.0}}
    layer = only(state | {"q.alpha": np.array(7.0)}, config)
    assert (layer.scale, layer.assumed) == (3.0, ("scale",))
    assert "q.alpha is not understood beside" in layer.notes[0]
    assert only(state | {"q.alpha": np.array(7.0)}).scale == 3.5
    assert only(state, {"lora_parameters": {"rank": 2}}).assumed == ("scale",)


def test_modules_of_a_numbered_format_come_in_the_order_of_their_numbers():
    state = {
        f"{model}:{i}:{x}": normal(*shape)
        for i in (10, 2, 0)
        for model in ("unet", "text_encoder")
        for x, shape in (("up", (6, 2)), ("down", (2, 5)))
    }
    assert [layer.name for layer in open_adapter(state).layers] == [
        f"{model}:{i}" for model in ("text_encoder", "unet") for i in (0, 2, 10)
    ]
    listed = {str(i): normal(6, 2) if i % 2 == 0 else normal(2, 5) for i in range(22)}
    adapter = open_adapter(listed)
    assert [layer.name for layer in adapter.layers] == [f"list:{i}" for i in range(11)]
    for i, layer in enumerate(adapter.layers):
        np.testing.assert_allclose(update(layer), listed[str(2 * i)] @ listed[str(2 * i + 1)], atol=1e-13)


def test_a_bare_pair_with_the_words_of_mlx_vlm_may_be_multiplied_by_alpha_alone():
    state = pair("q", ".a", ".b")
    assert only(state, {"alpha": 6, "rank": 2}).assumed == ("scale",)
    assert only(state, {"alpha": 6, "rank": 2}).scale == 3
    assert only(state, {"lora_alpha": 6, "r": 2}).assumed == ()
    assert only(state | {"q.alpha": np.array(4.0)}, {"alpha": 6, "rank": 2}).assumed == ()


def test_no_family_takes_the_keys_of_another_for_its_own():
    """Of a file without a configuration: the first family that recognises it is the one that its writer is of."""
    kinds = {
        ".lora_down.weight .lora_up.weight": "kohya", ".lora_A.weight .lora_B.weight": "peft", ".lora_A .lora_B": "loralib",
        ".lora_a.weight .lora_b.weight": "torchtune", ".lora_a .lora_b": "mlx", ".weight.lora_a .weight.lora_b": "gguf",
        ".adapter.linear_in.weight .adapter.linear_out.weight": "megatron", ".a .b": "pairs", ".mlora_A .mlora_B": "loran",
        ".lora.down.weight .lora.up.weight": "diffusers",
    }  # fmt: skip
    for names, family in kinds.items():
        first, second = names.split()
        state = pair("layers.0.q", first, second)
        assert open_adapter(state).family == family
        assert next(name for name, reader in READERS.items() if reader.recognises(list(state), None)) == family
    prefixed = pair("unet.q")
    assert open_adapter(prefixed).family == "diffusers"
    assert open_adapter(prefixed, config=OWN).family == "peft"
    for method, family in (("LOHA", "kohya"), ("ADALORA", "peft"), ("DORA", "peft"), ("VERA", "vera"), ("RANDLORA", "randlora"), ("DELORA", "delora"),
                           ("MLORA", "loran"), ("SINLORA", "sine"), ("SINELORA", "adapters"), ("LRLORA", "adapters")):  # fmt: skip
        assert [
            name
            for name, reader in READERS.items()
            if reader.recognises(["q.lora_A.weight"], {"peft_type": method})
            and name not in ("torchtune", "megatron", "mlx", "gguf", "pairs", "cloneofsimo")
        ] == [family]


@pytest.mark.parametrize("names", [["q.a"], ["q.b"], ["q.a", "k.b"], ["q.a", "q.b.0"]])
def test_a_letter_without_the_other_is_no_pair(names):
    with pytest.raises(ValueError, match="holds no LoRA module that any reader knows"):
        open_adapter({name: normal(2, 2) for name in names})


def test_a_name_that_says_nothing_is_refused_with_advice():
    with pytest.raises(
        ValueError,
        match=re.escape("holds no LoRA module that any reader knows: 1 tensor such as q.x; name its --family"),
    ):
        open_adapter({"q.x": normal(2, 2)})
    with pytest.raises(ValueError, match="; name its --family"):
        open_adapter({"q.x": normal(2, 2), "q.weight": normal(2)})
    with pytest.raises(ValueError, match=r"looks like a whole model, not an adapter: 2 tensors such as q.weight"):
        open_adapter({"q.weight": normal(2, 2), "q.bias": normal(2)})
    assert READERS["gguf"].read(StateDict(pair("q", ".weight.lora_a", ".weight.lora_b")), None).layers[0].assumed == (
        "scale",
    )
    assert rk.audit(pair("q", ".a", ".b")).columns["status"] == ["assumed"]
