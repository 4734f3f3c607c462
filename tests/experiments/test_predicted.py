"""The committed predictions are those of the law, and can be replaced without a training."""

import shutil

import pandas as pd
import pytest

from experiments.compared import PREDICTED
from experiments.grid.command import RESULTS
from experiments.predicted import SCORES, now, replaced

VALUES, RELATIVE = 0.5, 0.02  # how far ranks, and stable ranks, may be from what the law says now


@pytest.mark.parametrize("name", SCORES)
def test_the_committed_predictions_are_those_of_the_law(name):
    folder = RESULTS / name / "small"
    cells, found = pd.read_csv(folder / "cells.csv"), now(folder)
    assert any(found)
    for stored, one in zip(cells[list(PREDICTED)].to_numpy(), found, strict=True):
        if one is None:
            assert pd.isna(stored).all()
            continue
        rank, error, stable = one
        assert stored[:2] == pytest.approx((rank, error), abs=VALUES, nan_ok=True)
        assert stored[2] == pytest.approx(stable, rel=RELATIVE, nan_ok=True)


def test_predictions_are_replaced_and_nothing_else_is(tmp_path):
    for name in ("cells.csv", "runs.csv", "layers.csv"):
        shutil.copy(RESULTS / "shape" / "small" / name, tmp_path / name)
    replaced(tmp_path)
    right = (tmp_path / "cells.csv").read_text()
    table = pd.read_csv(tmp_path / "cells.csv")
    wrong = table.assign(predicted_rank=table["predicted_rank"] + 7.0)
    text = wrong.to_csv(index=False)
    (tmp_path / "cells.csv").write_text(text)
    assert replaced(tmp_path) == pytest.approx(7.0)
    assert (tmp_path / "cells.csv").read_text() == right
