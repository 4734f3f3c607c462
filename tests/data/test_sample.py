"""The sample adapter: small, really trained, and what its card says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rankkit as rk
from experiments.text.sample import SAMPLES as WRITTEN
from experiments.train_sample import LEXNAMES, main, read_glosses
from rankkit.cli.options import SAMPLES
from rankkit.data import sample_adapter


def test_it_is_small_and_alive():
    folder = sample_adapter()
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 300_000
    report = rk.audit(folder)
    assert set(report.table["status"]) == {"ok"}
    assert set(report.table["kind"]) == {"attention", "mlp"}
    assert [s.key for s in report.skipped] == ["base_model.model.classifier.bias", "base_model.model.classifier.weight"]
    # training leaves its mark: a product of random factors would use nearly all of its rank
    assert report.table["stable_rank"].median() < 0.75 * report.table["r"].median()


def test_the_card_says_what_it_learned():
    card = " ".join((sample_adapter() / "CARD.md").read_text().split())
    plain, adapted = (float(x) for x in re.findall(r"\| ([\d.]+)% \|", card))
    assert adapted > plain + 2
    config = json.loads((sample_adapter() / "adapter_config.json").read_text())
    assert f"rank {config['r']} on" in card
    assert all(word in card for word in ("seed", "WordNet 3.0 licence", "Apache-2.0", "minutes on two cores"))


def test_a_sample_that_is_none_is_refused_with_the_list():
    with pytest.raises(ValueError, match=r"name must be one of lora, .*sine.*, got 'nope'"):
        sample_adapter("nope")


def test_nothing_of_a_machine_is_in_it():
    for name in ("CARD.md", "adapter_config.json"):
        assert not re.search(r"/(root|home|work|tmp)/", (sample_adapter() / name).read_text())


@pytest.mark.parametrize("name", SAMPLES[1:])
def test_every_method_has_a_sample_that_is_measured(name):
    folder = sample_adapter(name)
    report = rk.audit(folder, progress=False)
    assert len(report.table) == 12
    # DoRA's update needs the base's weights, AdaSine's an input: their rows say so
    allowed = {
        "vera": {"assumed"},
        "dora": {"assumed"},
        "sine-dora": {"assumed", "unsupported"},
        "adasine": {"unsupported"},
    }
    assert set(report.table["status"]) <= allowed.get(name, {"ok"})
    card = (folder / "CARD.md").read_text()
    assert all(word in card for word in ("WordNet 3.0 licence", "Apache-2.0", "seed", "of four on a validation part"))
    config = (folder / "adapter_config.json").read_text()
    assert not re.search(r"/(root|home|work|tmp)/", card + config)


def test_the_samples_are_those_that_the_command_names_and_are_small():
    folder = sample_adapter("sine").parent
    assert {path.name for path in folder.iterdir()} == set(SAMPLES[1:]) == set(WRITTEN)
    everything = [file for path in (folder, sample_adapter()) for file in path.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in everything) <= 3_000_000


def test_glosses_are_read_without_their_examples(tmp_path):
    licence = "  1 This software and database is being provided to you\n"
    for part, line in {
        "noun": '00001740 03 n 01 entity 0 000 | that which has its own existence; "an example"; "another"',
        "verb": "00001740 29 v 01 breathe 0 000 | draw air into, and expel out of, the lungs; take breath",
        "adj": "00001740 00 a 01 able 0 000 | having the skill  ",
        "adv": "00001740 02 r 01 well 0 000 | ",
    }.items():
        (tmp_path / f"data.{part}").write_text(f"{licence}{line}\n")
    assert read_glosses(tmp_path) == [
        ("that which has its own existence", 3),
        ("draw air into, and expel out of, the lungs; take breath", 29),
        ("having the skill", 0),
    ]
    assert (LEXNAMES[3], LEXNAMES[29], len(LEXNAMES)) == ("noun.Tops", "verb.body", 45)


def test_missing_wordnet_is_said_in_one_sentence(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out"), "--wordnet", str(tmp_path)]) == 1
    assert "wordnet-base" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="is missing"):
        read_glosses(tmp_path)


def test_importing_the_trainer_is_light():
    code = "import sys, experiments.train_sample; assert not {'torch', 'transformers', 'peft'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
