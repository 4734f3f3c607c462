"""kohya's and LyCORIS's products: convolutions with a middle, LoHa, LoKr."""

import numpy as np
import pytest

import rankkit as rk
from tests.checkpoints.conftest import M, N, R, agrees, normal


def test_convolutions_of_kohya_and_their_middle():
    down, mid, up = normal(R, 5, 1, 1), normal(R, R, 3, 3), normal(M, R, 1, 1)
    delta = np.einsum("pi,ijkl,jc->pckl", up[:, :, 0, 0], mid, down[:, :, 0, 0].astype(float)).reshape(M, -1)
    state = {"c.lora_down.weight": down, "c.lora_mid.weight": mid, "c.lora_up.weight": up, "c.alpha": np.float32(2)}
    agrees(rk.audit(state), 0.5 * delta)
    plain = {"c.lora_down.weight": normal(R, 5, 3, 3), "c.lora_up.weight": up, "c.alpha": np.float32(4)}
    agrees(rk.audit(plain), up.reshape(M, R).astype(float) @ plain["c.lora_down.weight"].reshape(R, -1))


def test_loha_is_an_entrywise_product():
    w = {part: normal(*((M, R) if part.endswith("a") else (R, N))) for part in ("w1_a", "w1_b", "w2_a", "w2_b")}
    delta = (w["w1_a"].astype(float) @ w["w1_b"]) * (w["w2_a"].astype(float) @ w["w2_b"])
    state = {f"x.hada_{part}": value for part, value in w.items()} | {"x.alpha": np.float32(2)}
    row = agrees(rk.audit(state), delta * 2 / R)
    assert row["r"] == R * R


@pytest.mark.parametrize("first", ["whole", "factored"])
@pytest.mark.parametrize("second", ["whole", "factored", "tucker"])
def test_lokr_is_a_kronecker_product(first, second):
    w1, w2 = normal(6, 3, dtype=np.float64), normal(4, 6, dtype=np.float64)
    state = {}
    if first == "whole":
        state["x.lokr_w1"] = w1
    else:
        a, b = normal(6, 3), normal(3, 3)  # another rank than the second part's, which alpha is divided by
        state |= {"x.lokr_w1_a": a, "x.lokr_w1_b": b}
        w1 = a.astype(float) @ b
    if second == "whole":
        state["x.lokr_w2"] = w2
    elif second == "factored":
        a, b = normal(4, 2), normal(2, 6)
        state |= {"x.lokr_w2_a": a, "x.lokr_w2_b": b}
        w2 = a.astype(float) @ b
    else:
        t, a, b = normal(2, 2, 3, 3), normal(2, 4), normal(2, 5)
        state |= {"x.lokr_t2": t, "x.lokr_w2_a": a, "x.lokr_w2_b": b}
        w2 = np.einsum("ijkl,ip,jr->prkl", t.astype(float), a, b).reshape(4, -1)
    report = rk.audit(state | {"x.alpha": np.float32(1)})
    scale = 1.0 if first == second == "whole" else 1 / (3 if second == "whole" else 2)
    assert agrees(report, scale * np.kron(w1, w2))["scale"] == scale


def test_a_kronecker_product_stored_whole_has_the_rank_of_its_own_pattern():
    w1, w2 = normal(2, 3), normal(4, 6)
    state = {"base_model.model.x.lokr_w1": w1, "base_model.model.x.lokr_w2": w2}
    config = {
        "peft_type": "PeftType.LOKR",
        "r": 3,
        "alpha": 5,
        "rank_pattern": {"x": 16},
    }  # as str() writes PEFT's enum
    agrees(rk.audit(state, config=config), 5 / 16 * np.kron(w1.astype(float), w2))
