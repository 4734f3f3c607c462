"""VeRA and RandLoRA: what they share must be in the file, and is cut. Their updates are held against PEFT's in test_peft."""

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints import open_adapter
from rankkit.checkpoints.readers.vera import narrowed
from tests.checkpoints.readers.opened import normal, only, update
from tests.checkpoints.readers.writers import WRITERS


def test_projections_that_are_wider_than_a_module_are_cut_to_its_weight():
    for name, m, n in (("vera", 5, 6), ("randlora", 7, 4)):
        made = WRITERS[f"{name}, wider"](np.random.default_rng(0), m, n, 2, "q")
        layer, whole = only(made.state, made.config), made.updates["q"]
        for rows in range(1, 10):
            for columns in range(1, 10):
                if name == "vera":
                    delta = whole[:, :columns] if rows == m and columns <= n else None
                elif columns == n and rows <= m:  # the shorter side is trained for, the longer one is cut
                    delta = whole[:rows] if rows >= n else None
                else:
                    delta = whole[:columns].T if rows == n and n <= columns <= m else None
                if delta is None:
                    with pytest.raises(ValueError, match=f"its vectors fit no weight of {rows} x {columns}"):
                        narrowed(layer, rows, columns)
                    continue
                cut = narrowed(layer, rows, columns)
                assert (cut.m, cut.n, cut.assumed, cut.notes) == (rows, columns, (), ())
                np.testing.assert_allclose(update(cut), delta, atol=1e-12 * np.abs(delta).max())


def test_randlora_divides_by_a_positive_rank():
    made = WRITERS["randlora"](np.random.default_rng(0), 7, 4, 2, "q")
    for r in (0, -2, "x"):
        layer = only(made.state, {"peft_type": "RANDLORA", "r": r})
        assert (layer.status, "r must be" in layer.notes[1]) == ("unsupported", True)


@pytest.mark.parametrize("kind", ["vera", "randlora"])
def test_shared_projections_belong_to_no_module_of_their_own(kind):
    made = WRITERS[kind](np.random.default_rng(0), 7, 4, 2, "q")
    for lost in ("A", "B"):
        state = {key: x for key, x in made.state.items() if not key.endswith(f"_{lost}")}
        with pytest.raises(ValueError, match=f"holds no {kind}_A and {kind}_B"):
            open_adapter(state, config=made.config)
    assert {layer.name for layer in open_adapter(made.state).layers} == {"q"}  # without a configuration, too


def test_vera_without_its_projections_is_refused():
    state = {"base_model.model.q.vera_lambda_b": normal(6), "base_model.model.q.vera_lambda_d": normal(2)}
    with pytest.raises(ValueError, match=r"holds no vera_A and vera_B: its projections are drawn from a seed"):
        rk.audit(state, config={"peft_type": "VERA"})
