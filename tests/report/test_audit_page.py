"""The HTML report: everything defined, nothing loaded, nothing of a stranger's file run; and it works in a browser."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import rankkit as rk
from rankkit.cli.main import main
from rankkit.data import sample_adapter
from rankkit.report.columns import DEFINITIONS
from tests.conftest import CONFIG, module, save


@pytest.fixture(scope="module")
def report():
    dead = module("model.layers.1.mlp.up", seed=2)
    dead["base_model.model.model.layers.1.mlp.up.lora_B.weight"][:] = 0
    state = dead | {"base_model.model.score.weight": np.ones((2, 2))}
    for i in range(4):
        state |= module(f"model.layers.{i}.self_attn.q_proj", seed=i)
    return rk.audit(state, config=CONFIG)


def test_every_column_is_defined_and_every_definition_is_of_a_column(report):
    base = {f"model.layers.{i}.self_attn.q_proj.weight": np.eye(12, 10) for i in range(4)}
    state = module("model.layers.0.self_attn.q_proj")
    whole = set(rk.audit(state, config=CONFIG, base=base, intruders=1).columns)
    assert whole | {"adapter"} == set(DEFINITIONS)  # which is there where several were measured
    page = report.to_html()
    assert all(f"<dt>{column}</dt>" in page for column in report.columns)


@pytest.mark.parametrize("column", DEFINITIONS)
def test_a_definition_is_whole_sentences(column):
    for sentence in re.split(r"(?<=[a-z)0-9])\. ", DEFINITIONS[column].removesuffix(".")):
        assert sentence[0].isupper()
        assert len(sentence.split()) >= 4
    assert DEFINITIONS[column].endswith(".")


def test_the_page_needs_nothing_else(report):
    page = report.to_html()
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!#|data:)""", page.replace("xlink:href", "href"))
    assert "default-src 'none'" in page
    assert "@import" not in page
    assert page == report.to_html()


def test_what_it_says_is_what_was_measured(report, tmp_path):
    page = report.to_html()
    assert report.coverage.split(";")[0] in page
    assert page.count('<tr class="ok">') == 4
    assert page.count('<tr class="zero">') == 1
    assert f'data-v="{report.columns["stable_rank"][0]!r}"' in page
    assert "score.weight" in page
    file = sample_adapter() / "adapter_model.safetensors"
    saved = rk.audit(sample_adapter()).save(tmp_path / "a.html").read_text()
    assert hashlib.sha256(file.read_bytes()).hexdigest() in saved
    assert str(sample_adapter().parent) not in saved  # where it lay is nobody's business


def test_a_name_cannot_become_markup(tmp_path):
    evil = "model.layers.0.<script>alert(1)</script>&'\"q"
    folder = save(tmp_path / "a", module(evil) | {"<img src=x onerror=alert(1)>": np.ones((1, 1), np.float32)})
    page = rk.audit(folder).to_html()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_an_audit_with_nothing_to_show_still_has_its_page():
    dead = module("up")
    dead["base_model.model.up.lora_B.weight"][:] = 0
    page = rk.audit(dead, config=CONFIG).to_html()
    assert "nothing to draw" in page
    assert rk.audit(module("up"), config=CONFIG).to_html().count("<svg") == 1  # no depth to draw against


def test_a_model_card_has_the_summary_open_and_the_modules_folded(report, tmp_path, capsys):
    card = report.to_markdown()
    before, folded = card.split("<details>")
    assert report.coverage in before
    assert f"| all | {len(report.columns['module'])} |" in before.replace("  ", " ")
    assert all(
        module in folded and module not in before.split("not analysed")[0] for module in report.columns["module"]
    )
    assert "* stable/r: The stable rank divided by r." in before
    assert main(["audit", "--sample", "--format", "markdown", "--no-progress"]) == 0
    assert capsys.readouterr().out.startswith("### How much of its rank")
    assert report.save(tmp_path / "a.md").read_text() == f"{card}\n"


def test_the_command_writes_it(tmp_path, capsys):
    assert main(["audit", "--sample", "--html", str(tmp_path / "a.html"), "--no-progress"]) == 0
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    assert "wrote" in capsys.readouterr().err


def test_the_json_has_the_schema_that_is_documented(report):
    import jsonschema

    schema = json.loads((Path(rk.__file__).parents[1] / "docs" / "audit.schema.json").read_text())
    jsonschema.validate(report.record(), schema)
    assert set(schema["$defs"]["module"]["properties"]) == set(DEFINITIONS)
    assert {
        name: about["description"] for name, about in schema["$defs"]["module"]["properties"].items()
    } == DEFINITIONS
    broken = report.record() | {"format": 99}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, schema)


PROBE = """
<script>
{
const heads = [...document.querySelectorAll('#modules th')], body = document.querySelector('#modules tbody');
const column = heads.findIndex(h => h.textContent === 'stable');
const values = () => [...body.rows].map(r => r.cells[column].dataset.v ?? 'none');
heads[column].click(); const up = values();
heads[column].click(); const down = values();
const before = heads.filter(h => getComputedStyle(h).display !== 'none').length;
document.querySelector('#all').click();
const after = heads.filter(h => getComputedStyle(h).display !== 'none').length;
document.title = JSON.stringify({up, down, before, after, wide: document.documentElement.scrollWidth,
  width: window.innerWidth, svgs: document.querySelectorAll('svg').length});
}
</script>
"""


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs the chromium browser")
@pytest.mark.parametrize("width", [500, 1280])
def test_it_works_in_a_browser(report, width, tmp_path):
    file = tmp_path / "page.html"
    file.write_text(report.to_html().replace("</body>", f"{PROBE}</body>"))
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--window-size={width},900",
        f"--user-data-dir={tmp_path}/u",
    ]
    run = subprocess.run(["chromium", *options, "--dump-dom", file.as_uri()], capture_output=True, text=True, timeout=120)  # fmt: skip
    title = re.search(r"<title>(\{.*?\})</title>", run.stdout)
    assert title
    found = json.loads(title[1])
    known = sorted(v for v in report.columns["stable_rank"] if v == v)
    assert [float(v) for v in found["up"][:4]] == known
    assert [float(v) for v in found["down"][:4]] == known[::-1]
    assert found["up"][4] == found["down"][4] == "none"  # what is not known stays last
    assert found["after"] == len(report.columns) - sum(not any(report.columns[c]) for c in ("note",)) > found["before"]
    assert found["wide"] <= found["width"]  # nothing sticks out
    assert found["svgs"] == 3
