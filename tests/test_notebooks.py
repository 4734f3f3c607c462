"""The notebooks: they run, they are thin, and they are committed with what they print."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
FEW = 14  # lines of a cell


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def unshown(notebook):
    """Return the cells that draw, as their last semicolon says, and show no picture."""
    drawn = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.rstrip().endswith(";")]
    return [cell.source for cell in drawn if not any("image/png" in output.get("data", {}) for output in cell.outputs)]


def test_it_runs(notebook, monkeypatch):
    monkeypatch.setenv("RANKKIT_QUICK", "1")
    monkeypatch.delenv("MPLBACKEND", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER.parent), os.environ.get("PYTHONPATH", "")]))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(FOLDER)}}).execute()
    assert not unshown(notebook)


def test_it_is_thin(notebook):
    for cell in notebook.cells:
        assert cell.cell_type != "code" or len(cell.source.splitlines()) <= FEW, cell.source


def test_it_is_committed_with_its_outputs_and_without_errors(notebook):
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(cell.outputs for cell in cells)
    words = [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert not words


def test_its_pictures_are_committed(notebook):
    assert not unshown(notebook)


def test_no_machine_shows_in_it(notebook):
    text = nbformat.writes(notebook)
    assert str(FOLDER.parent) not in text
    assert str(Path.home()) not in text
