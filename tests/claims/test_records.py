"""Records of a stranger; the long run is `python -m tests.claims.fuzz_records`."""

import json
import os
import pty
import subprocess
import sys

import pytest

from rankkit.cli.main import main
from tests.claims import fuzz_records as fuzz

pytest.importorskip("flint")


def test_a_changed_record_is_confirmed_rejected_or_refused(tmp_path):
    ends = [end for _, end in fuzz.tried(tmp_path, 60, seed=3)]
    assert {end.partition(" ")[0] for end in ends} == {"status"}, [end for end in ends if not end.startswith("status")]
    assert {"status 2", "status 3"} <= set(ends)


def test_sound_records_are_confirmed_and_a_wrong_margin_is_not(tmp_path, capsys):
    file, found, _ = fuzz.sound(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(found))
    assert main(["verify", str(file), "--recheck", str(tmp_path / "a.json")]) == 0
    assert capsys.readouterr().out.count("confirmed") == len(found) == 2
    (one,) = (record for record in found if record["claim"] == "no")
    (tmp_path / "a.json").write_text(json.dumps([{**one, "margin": "[-0.5 +/- 1e-9]"}]))
    assert main(["verify", str(file), "--recheck", str(tmp_path / "a.json")]) == 3
    assert "REJECTED" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1), ("", 1)])
def test_code_of_a_stranger_runs_at_a_terminal_only_if_somebody_agrees(answer, status, tmp_path):
    file = tmp_path / "claims.py"
    file.write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{fuzz.CLAIMS}")
    words = ["verify", str(file), "--claim", "no", "--instances", "1", "--no-progress"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "rankkit", *words], stdin=theirs, stderr=theirs, stdout=subprocess.PIPE
    )
    os.write(ours, f"{answer}\n".encode())
    process.communicate(timeout=60)
    assert process.returncode == status
    assert (tmp_path / "ran").exists() == (status == 0)
    os.close(ours)
    os.close(theirs)
