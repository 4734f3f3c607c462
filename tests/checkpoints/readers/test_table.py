"""The families together: one adapter in every spelling, methods by name, and each tensor accounted for."""

from dataclasses import replace

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints import READERS, open_adapter
from rankkit.checkpoints.layer import STATUSES
from tests.checkpoints.conftest import ALPHA, SPELLINGS, A, B, M, N, R, agrees, normal, only


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_adapter_in_every_spelling_gives_the_same_bits(spelling):
    state, config = SPELLINGS[spelling]
    report = rk.audit(state, config=config)
    row, sigma = only(report)
    reference, same = only(rk.audit(SPELLINGS["peft"][0], config=SPELLINGS["peft"][1]))
    np.testing.assert_array_equal(sigma, same)
    for name in (
        "scale",
        "spectral_norm",
        "frobenius_norm",
        "stable_rank",
        "effective_rank",
        "numerical_rank",
        "m",
        "n",
        "r",
    ):
        assert row[name] == reference[name], name
    assert report.skipped == ()
    agrees(report, ALPHA / R * B.astype(float) @ A.astype(float))


def test_formats_without_an_alpha_say_that_one_was_assumed():
    for state in (
        {"unet:0:up": B, "unet:0:down": A},
        {"w_b_000": B, "w_a_000": A},
        {"x.lora_A": A, "x.lora_B": B},
        {"x.lora_a": A.T, "x.lora_b": B.T},
        {"x.lora_down.weight": A, "x.lora_up.weight": B},
        {"unet.x.lora_A.weight": A, "unet.x.lora_B.weight": B},
        {"x.lora_A.weight": A, "x.lora_B.weight": B},
    ):
        row = agrees(rk.audit(state), B.astype(float) @ A.astype(float), status="assumed")
        assert "scale 1 assumed" in row["note"]
        assert row["scale"] == 1


def test_the_family_can_be_named_and_a_wrong_one_is_refused():
    state, config = SPELLINGS["peft"]
    assert rk.audit(state, config=config, family="peft").table["status"].item() == "ok"
    with pytest.raises(ValueError, match="holds no MLX LoRA module"):
        rk.audit(state, family="mlx")
    with pytest.raises(ValueError, match=r"family must be one of sine, .*, got 'other'"):
        rk.audit(state, family="other")


def test_every_method_of_peft_is_read_or_refused_by_name():
    peft = pytest.importorskip("peft")
    from rankkit.checkpoints.methods import ALONE, READ, REFUSED

    assert not set(READ) & set(REFUSED)
    for method in peft.PeftType:
        state = {"base_model.model.x.some_tensor": normal(3, 3)}
        with pytest.raises(
            ValueError,
            match="holds no"
            if method.value in (*READ, *ALONE)
            else rf"is a {method.value} adapter by its config: (it|its) ",
        ) as caught:
            rk.audit(state, config={"peft_type": method})
        assert "\n" not in str(caught.value)


def test_an_unknown_method_is_refused_too():
    for method in ("AURORA", "ADASINE", "SINDORA", "FROM_TOMORROW"):
        with pytest.raises(ValueError, match=f"is a {method} adapter by its config: .+"):
            rk.audit({"x.lora_A.weight": A, "x.lora_B.weight": B}, config={"peft_type": method})


def test_the_table_of_readers_is_complete():
    assert {"peft", "kohya", "diffusers", "cloneofsimo", "loralib", "mlx", "sine", "loran", "pairs"} <= set(READERS)


# -- every tensor is part of a row, or skipped with a reason ---------------------------------------------------------

FACTORS = {"q.lora_down.weight": A, "q.lora_up.weight": B}
EXTRA = {
    "a head": {"score.weight": normal(3, 3)},
    "an alpha without factors": {"v.alpha": np.array([2.0], np.float32)},
    "a magnitude without factors": {"v.dora_scale": normal(M, 1)},
    "a magnitude": {"q.dora_scale": normal(M, 1)},
    "a magnitude of PEFT's in another's file": {"q.lora_magnitude_vector": normal(M)},
    "a second magnitude": {"q.dora_scale": normal(M, 1), "q.lora_magnitude_vector": normal(M)},
    "a second product": {"q.hada_w1_a": normal(M, R), "q.hada_w1_b": normal(R, N)},
    "a factor alone": {"v.lora_up.weight": B},
    "no printable name": {"v\n.lora_up.weight": B},
}  # fmt: skip


def unaccounted(state, adapter):
    """Return the keys that are in neither a layer's product, an alpha, nor the skipped ones, or in two of them."""
    used = [key for layer in adapter.layers for part, key in layer.keys.items() if part in (*layer.form.parts, "alpha")]
    found = [*used, *(legible.replace("\N{REPLACEMENT CHARACTER}", "\n") for legible, _, _ in adapter.skipped)]
    return sorted(set(state) ^ set(found)) + sorted(key for key in found if found.count(key) > 1)


@pytest.mark.parametrize("extra", EXTRA)
def test_no_tensor_is_lost(extra):
    state = FACTORS | EXTRA[extra]
    adapter = open_adapter(state)
    assert unaccounted(state, adapter) == []
    assert all(entry.reason for entry in adapter.skipped)
    with_base = rk.audit(state, base={"q.weight": normal(M, N)})
    assert {entry.key for entry in with_base.skipped} <= {entry.key for entry in adapter.skipped}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_no_tensor_of_any_spelling_is_lost(spelling):
    state, config = SPELLINGS[spelling]
    assert unaccounted(state, open_adapter(state, config=config)) == []


def test_a_tensor_that_is_lost_is_caught():
    adapter = open_adapter(FACTORS | EXTRA["a head"])
    assert unaccounted(FACTORS | EXTRA["a head"], replace(adapter, skipped=())) == ["score.weight"]
    assert unaccounted(FACTORS | EXTRA["a head"], replace(adapter, skipped=2 * adapter.skipped)) == ["score.weight"] * 2


@pytest.mark.parametrize("spelling", ["peft", "loralib", "mlx"])
def test_a_module_is_called_as_the_base_model_calls_it_in_every_family(spelling):
    state, config = SPELLINGS[spelling]
    bare = {key.removeprefix("base_model.model."): value for key, value in state.items()}
    names = [
        {layer.name for layer in open_adapter(tensors, config=config).layers}
        for tensors in (bare, {f"base_model.model.{key}": value for key, value in bare.items()})
    ]
    assert names[0] == names[1]


def test_every_status_has_its_meaning():
    assert next(iter(STATUSES)) == "ok"
    assert all(meaning.endswith(".") for meaning in STATUSES.values())
    states = [
        SPELLINGS["kohya"][0], FACTORS, {"q.lora_up.weight": B}, {**FACTORS, "q.lora_up.weight": B.astype(np.int8)},
        {**FACTORS, "q.lora_up.weight": 0 * B}, {**FACTORS, "q.lora_up.weight": np.nan * B},
    ]  # fmt: skip
    assert {rk.audit(state).columns["status"][0] for state in states} == set(STATUSES)
