"""LoRAN, as its authors' code stores it."""

import numpy as np

import rankkit as rk
from tests.checkpoints.conftest import A, B, R, agrees


def test_loran_is_its_sinter():
    state = {"base_model.model.q.mlora_A": A, "base_model.model.q.mlora_B": B}
    config = {"peft_type": "MLORA", "r": [R, 4096], "mlora_alpha": 16, "mlora_af": "Sin", "mlora_af_sin_A": 0.1, "mlora_af_sin_omega": 30.0}  # fmt: skip
    x = B.astype(float) @ A
    assert agrees(rk.audit(state, config=config), 4 * (x + 0.1 * x * np.sin(30 * x)))["rule"] == "sinter"


def test_what_a_configuration_of_loran_leaves_out_is_the_paper_s_and_is_said():
    """The rule's own defaults are those of the paper; an amplitude or a frequency that is assumed leaves the row `assumed`."""
    state = {"l.0.q_proj.mlora_A.default.weight": A, "l.0.q_proj.mlora_B.default.weight": B}
    told = {"peft_type": "MLORA", "r": R, "mlora_alpha": R}
    known = {"mlora_af_sin_A": 5e-5, "mlora_af_sin_omega": 1e4}
    rows = [rk.audit(state, config={**told, **more}, progress=False).table.iloc[0] for more in ({}, known)]
    assert [row["status"] for row in rows] == ["assumed", "ok"]
    assert "mlora_af_sin_A and mlora_af_sin_omega" in rows[0]["note"]
    default = rk.rules.Sinter()
    values = np.linalg.svd(rk.rules.Sinter(default.amplitude, default.omega)(rk.Factors(B, A)), compute_uv=False)
    for row in rows:
        np.testing.assert_allclose(row["spectral_norm"], values[0], rtol=1e-12)
        assert row["omega_std"] == rows[1]["omega_std"]
