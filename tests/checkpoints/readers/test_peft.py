"""PEFT's LoRA, AdaLoRA, VeRA, RandLoRA, LoHa and LoKr: the update that PEFT itself merges."""

import numpy as np
import pytest
import torch

import rankkit as rk
from tests.checkpoints.conftest import A, B, M, N, R, agrees, dense, normal


def test_merged_groups_are_their_updates_one_under_the_other():
    """Old PEFT's fused query-key-value: enable_lora says which groups have an update; loralib leaves it to shapes."""
    groups, rows = 2, 12
    A2, B2 = normal(groups * R, N), normal(groups * rows, R)
    parts = [B2[g * rows : (g + 1) * rows] @ A2[g * R : (g + 1) * R].astype(float) for g in range(groups)]
    config = {"peft_type": "LORA", "r": R, "lora_alpha": 8, "enable_lora": [True, False, True]}
    key = "base_model.model.h.0.qkv.lora_"
    for state, asked, delta in (
        (
            {f"{key}A.weight": A2, f"{key}B.weight": B2[..., None]},
            config,
            np.vstack([parts[0], np.zeros((rows, N)), parts[1]]),
        ),
        ({"h.0.qkv.lora_A": A2, "h.0.qkv.lora_B": B2}, {"lora_alpha": 8}, np.vstack(parts)),
    ):
        row = agrees(rk.audit(state, config=asked), 2 * delta)
        assert (row["m"], row["r"], row["scale"]) == (delta.shape[0], groups * R, 2)


def test_one_enabled_group_of_a_fused_projection_has_the_rows_of_all():
    state = {"base_model.model.qkv.lora_A.weight": A, "base_model.model.qkv.lora_B.weight": B}
    config = {"peft_type": "LORA", "r": R, "lora_alpha": 8, "enable_lora": [False, True, False]}
    row = agrees(
        rk.audit(state, config=config), 2 * np.vstack([np.zeros((M, N)), B.astype(float) @ A, np.zeros((M, N))])
    )
    assert row["m"] == 3 * M


def test_adalora_without_its_singular_values_is_unpaired():
    state = {"base_model.model.q.lora_A": A, "base_model.model.q.lora_B": B}
    row = rk.audit(state, config={"peft_type": "ADALORA", "init_r": R, "lora_alpha": 8}).table.iloc[0]
    assert (row["status"], row["note"]) == ("unpaired", "lora_E is missing")


def _peft(kind):
    peft = pytest.importorskip("peft")
    common = {"target_modules": ["up", "down"]}
    return {
        "loha": lambda: peft.LoHaConfig(r=3, alpha=5, rank_pattern={"up": 2}, **common),
        "lokr": lambda: peft.LoKrConfig(r=2, alpha=5, decompose_both=True, **common),
        "lokr whole": lambda: peft.LoKrConfig(r=64, alpha=5, **common),
        "adalora": lambda: peft.AdaLoraConfig(init_r=5, target_r=3, lora_alpha=7, total_step=10, **common),
        "vera": lambda: peft.VeraConfig(r=6, target_modules=["up"], save_projection=True),
        "randlora": lambda: peft.RandLoraConfig(r=4, target_modules=["up"], save_projection=True),
        "dora": lambda: peft.LoraConfig(r=3, use_dora=True, **common),
    }[kind]()


@pytest.mark.parametrize("kind", ["loha", "lokr", "lokr whole", "adalora", "vera", "randlora"])
@pytest.mark.parametrize("route", ["live", "folder"])
def test_pefts_own_methods_have_the_update_that_peft_merges(kind, route, tmp_path):
    peft = pytest.importorskip("peft")
    torch.manual_seed(0)
    base = torch.nn.ModuleDict({"up": torch.nn.Linear(20, 36), "down": torch.nn.Linear(36, 20)})
    model = peft.get_peft_model(base, _peft(kind))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.copy_(torch.randn_like(parameter))
    if route == "folder":
        model.save_pretrained(tmp_path)
    report = rk.audit(model if route == "live" else tmp_path)
    merged = {name: module for name, module in model.named_modules() if hasattr(module, "get_delta_weight")}
    assert len(report.table) == len(merged)
    for name, module in merged.items():
        exact = dense(module.get_delta_weight("default").detach())
        sigma = report.spectra[name.removeprefix("base_model.model.")]
        np.testing.assert_allclose(sigma, exact[: sigma.size], rtol=0, atol=3e-6 * exact[0])
