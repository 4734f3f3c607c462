"""The site builds without a warning, and holds what it should."""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def test_the_site_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    run = subprocess.run([*command, str(DOCS), str(tmp_path / "site")], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    reference = (tmp_path / "site" / "reference.html").read_text()
    assert "sweep_frequency" in reference
    assert "stable_rank" in reference
    assert "lr.trap" in (tmp_path / "site" / "made" / "ledger.html").read_text()
    assert "six_tolerances" in (tmp_path / "site" / "made" / "gallery.html").read_text()
