"""The site: its snippets run, it builds without a warning, nothing public is left out, and no link leads nowhere."""

import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import yaml
from safetensors.numpy import save_file
from sphinx.util.inventory import InventoryFile

import rankkit as rk
from rankkit.checkpoints import READERS, tensor_file
from rankkit.checkpoints.methods import ALONE, AT_AN_INPUT, LIVE_ONLY, PEFT_METHODS, REFUSED, WITH_BASE
from rankkit.report.columns import DEFINITIONS
from tests.snippets import RUN, Block, blocks, run_page, run_shell

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "made" not in path.relative_to(DOCS).parts)
MODULES = ("adapters", "checkpoints", "claims", "initializers", "law", "metrics", "plots", "reported", "rules", "testing", "watch")  # fmt: skip
PUBLIC = ("rankkit", *(f"rankkit.{name}" for name in MODULES))
DIRECTIVES = ("columns", "command-help", "eval-rst", "image", "include", "records", "toctree")


links = SimpleNamespace(**run_path(str(DOCS / "links.py")))


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with an adapter of two modules in it, where the snippets run."""
    rng = np.random.default_rng(0)
    state = {
        f"base_model.model.{module}.lora_{part}.weight": rng.standard_normal(shape).astype(np.float32)
        for module in ("layers.0.self_attn.q_proj", "layers.1.mlp.up_proj")
        for part, shape in (("A", (4, 10)), ("B", (12, 4)))
    }
    (tmp_path / "adapter").mkdir()
    save_file(state, tmp_path / "adapter" / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8}
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    plt.close("all")


def page(name):
    return (DOCS / name).read_text()


def table_cells(text, column):
    """The words in backticks in a column of a page's tables."""
    rows = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [word for row in rows if len(row) > column for word in re.findall(r"`([^`]+)`", row[column])]


# the snippets


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_every_snippet_runs_and_prints_what_the_page_says(path, desk):
    run_page(path.read_text(), path.name)


def test_every_fenced_block_is_run_or_shown_or_a_directive():
    languages = {block.language for path in PAGES for block in blocks(path.read_text()) if not block.file}
    names = {language.strip("{}").partition("}")[0] for language in languages}
    assert names <= {*RUN, "yaml", *DIRECTIVES}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(DOCS)))
def test_fractions_have_braces(path):
    """Without them the site shows 12 over nothing for one half."""
    assert not re.search(r"\\[td]?frac\s*\d", path.read_text())


def test_every_guide_has_something_to_run():
    for path in (DOCS / "how-to").glob("*.md"):
        if path.stem != "index":
            assert any(block.language in RUN for block in blocks(path.read_text())), path


def test_a_wrong_output_is_caught(desk):
    run_page("```python\nprint(1)\n```\n\n```text\n1\n```\n")
    with pytest.raises(AssertionError, match="prints\n1"):
        run_page("```python\nprint(1)\n```\n\n```text\n2\n```\n")
    with pytest.raises(AssertionError, match="rankkit audit nowhere"):
        run_page("```sh\nrankkit audit nowhere\n```\n")


def test_blocks_are_told_apart():
    text = "```{code-block} python\n:caption: a/b.py\n\nx = 1\n```\n\n```sh\nls\n```\n```text\na\n```\nwords\n```text\nb\n```\n"
    assert list(blocks(text)) == [
        Block("python", "x = 1\n", "a/b.py"),
        Block("sh", "ls\n", "", "a\n"),
        Block("text", "b\n"),
    ]


def test_the_job_for_continuous_integration_runs(desk):
    job = next(block.code for block in blocks(page("how-to/audit-in-ci.md")) if block.language == "yaml")
    steps = yaml.safe_load(job)["jobs"]["audit"]["steps"]
    commands = [step["run"] for step in steps if step.get("run", "").startswith("rankkit")]
    assert commands
    for command in commands:
        run_shell(command)
    assert (desk / "report.html").exists()


# what pages list


def test_the_formats_page_lists_what_is_read():
    text = page("reference/formats.md")
    families = text.partition("## Families")[2].partition("## DoRA")[0]
    assert table_cells(families, 0) == list(READERS)
    containers = [cell for cell in table_cells(text.partition("## Families")[0], 0) if cell.startswith(".")]
    with pytest.raises(ValueError) as told:
        tensor_file(__file__)
    assert sorted(containers) == sorted(re.findall(r"\.[\w.]+(?=[,.])", str(told.value).partition("ends in")[2]))


@pytest.mark.parametrize("method", table_cells(page("reference/formats.md").partition("that are refused")[2], 1))
def test_what_the_formats_page_calls_refused_is_refused(method):
    state = {"q.lora_A.weight": np.ones((2, 3)), "q.lora_B.weight": np.ones((3, 2))}
    with pytest.raises(ValueError, match=f"is a {method} adapter"):
        rk.audit(state, config={"peft_type": method})


def test_the_formats_page_has_every_method_of_peft_where_it_belongs():
    table = page("reference/formats.md").partition("## Methods of PEFT")[2].partition("[Read a file")[0]
    rows = [
        re.findall(r"`([A-Z0-9_]+)`", line.rsplit("|", 2)[1]) for line in table.splitlines() if line.startswith("| ")
    ]
    listed = [sorted(row) for row in rows if row]
    wide = {"VERA", "RANDLORA"}
    assert listed[:6] == [
        sorted({*PEFT_METHODS} - wide), sorted(wide), sorted(ALONE), sorted({*WITH_BASE} - wide - {*ALONE}),
        sorted(LIVE_ONLY), sorted(AT_AN_INPUT),
    ]  # fmt: skip
    every = [method for row in listed for method in row]
    assert len(every) == len({*every})
    assert {*every} == {*PEFT_METHODS} | {*REFUSED}


def stored(name):
    """The records of a committed ledger, with or without a version."""
    found = json.loads((ROOT / "paper_checks" / f"{name}.json").read_text(encoding="utf-8"))
    return found["records"] if isinstance(found, dict) else found


@pytest.mark.parametrize("name", ["ledger", "reported"])
def test_every_verdict_is_explained(name):
    records = stored(name)
    explained = re.findall(r"^\| ([A-Z_]+) \|", page(f"results/{name}.md"), re.M)
    assert {record["verdict"] for record in records} <= set(explained)


def test_everything_public_has_a_docstring():
    for module in map(importlib.import_module, PUBLIC):
        for name in module.__all__:
            thing = getattr(module, name)
            if inspect.isclass(thing) or inspect.isroutine(thing):
                assert inspect.getdoc(thing), f"{module.__name__}.{name}"


# the built site


def left_out(site):
    """Public names that the reference does not have."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    there = {name for kind, names in inventory.data.items() if kind.startswith("py:") for name in names}
    wanted = {f"{name}.{public}" for name in PUBLIC for public in importlib.import_module(name).__all__}
    return sorted(wanted - there)


def test_the_site(tmp_path, monkeypatch):
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(tmp_path / "trees")]
    site = tmp_path / "site"
    built = subprocess.run([*command, str(DOCS), str(site)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    found = links.pages(site)
    assert not list(links.dead(site, found))
    assert not links.fetched(found)
    assert not left_out(site), "add these names to a page of docs/reference"
    assert "<math" in (site / "explanation" / "law.html").read_text()
    audits = (site / "reference" / "audits.html").read_text()
    assert all(f"<td><code>{name}</code></td>" in audits for name in DEFINITIONS)
    for name in ("ledger", "reported"):
        records = stored(name)
        assert {record["id"] for record in records} <= found[Path("results", f"{name}.html")].anchors
    figures = {f"figure-{path.stem.replace('_', '-')}" for path in (ROOT / "figures").glob("*.py")}
    assert figures <= found[Path("made/gallery.html")].anchors
    monkeypatch.setattr(rk, "__all__", [*rk.__all__, "planted"])
    assert left_out(site) == ["rankkit.planted"]


def test_no_machine_shows_in_the_sources():
    for path in [*PAGES, *DOCS.glob("*.py"), *(DOCS / "extensions").glob("*.py")]:
        assert f"{Path.home()}/" not in path.read_text()
        assert str(ROOT) not in path.read_text()


def test_a_dead_link_is_caught(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="b.html#there">b</a><a href="#here">a</a><a href="http://x.org">x</a>'
    )
    (tmp_path / "b.html").write_text('<a href="c.html">c</a><script src="https://x.org/x.js"></script>')
    found = links.pages(tmp_path)
    assert list(links.dead(tmp_path, found)) == [
        "a.html: b.html#there has no such anchor",
        "b.html: c.html is not there",
    ]
    assert links.elsewhere(found) == ["http://x.org"]
    assert links.fetched(found) == ["https://x.org/x.js"]


def test_a_gallery_that_cannot_be_read_is_refused():
    gallery = run_path(str(DOCS / "extensions" / "checkout.py"))["gallery"]
    readme = (ROOT / "figures" / "README.md").read_text()
    assert gallery(readme).count("```{image}") == readme.count("<img ")
    with pytest.raises(ValueError, match="pictures, but"):
        gallery(readme.replace('<a href="six', '<a title="" href="six'))
