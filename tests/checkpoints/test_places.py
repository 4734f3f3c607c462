"""Where adapters lie: the Hub and its cache, a zip; and what is not there, in one sentence that says what to do."""

import os
import subprocess
import sys
import time
import zipfile
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save_file

import rankkit as rk
from tests.checkpoints.conftest import SPELLINGS, A, B, agrees

STATE, CONFIG = SPELLINGS["peft"]
BA = B.astype(float) @ A.astype(float)
JSON = '{"peft_type": "LORA", "r": 4, "lora_alpha": 8}'


def put(folder, state=STATE):
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(JSON)
    return folder


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of the Hub, and no network."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "hub"


def cached(hub, *commits, main=None):
    folder = hub / "models--org--name"
    for commit in commits:
        put(folder / "snapshots" / commit)
    if main:
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / "main").write_text(main)
    return folder


def test_a_folder_of_the_hubs_cache_means_its_snapshot(hub):
    folder = cached(hub, "0a1b", "ffff", main="0a1b")
    address = "https://huggingface.co/org/name"
    names = ("org/name", "hf://org/name", "hf://org/name@ffff", "hf://org/name/adapter_model.safetensors", address,
             f"{address}/tree/ffff")  # fmt: skip
    for source in (folder, folder / "snapshots", *names):
        report = rk.audit(source)
        agrees(report, 2 * BA)
        assert report.source.endswith(("ffff" if "ffff" in str(source) else "0a1b") + "/adapter_model.safetensors")
    with pytest.raises(ValueError, match="has no snapshot for v2 but 0a1b, ffff; name one of them"):
        rk.audit("hf://org/name@v2")


def test_a_snapshot_without_a_reference_counts_where_it_is_the_only_one(hub):
    agrees(rk.audit(cached(hub, "0a1b")), 2 * BA)
    cached(hub, "0a1b", "ffff")
    with pytest.raises(ValueError, match="has no snapshot for main"):
        rk.audit("org/name")


def test_a_folder_inside_a_repository(hub):
    put(
        cached(hub, "0a1b", main="0a1b") / "snapshots" / "0a1b" / "checkpoints" / "last",
        {k: 2 * v for k, v in STATE.items()},
    )
    agrees(rk.audit("hf://org/name/checkpoints/last"), 8 * BA)


def test_a_reference_leads_nowhere_else(hub):
    folder = cached(hub, "0a1b", "ffff", main="../../../outside")
    put(hub / "outside")
    with pytest.raises(ValueError, match="has no snapshot for main"):
        rk.audit(folder)


def test_what_is_not_cached_is_fetched_or_the_message_says_how(hub, monkeypatch):
    pytest.importorskip("huggingface_hub")
    with pytest.raises(ValueError, match="hf download org/name --local-dir FOLDER") as caught:
        rk.audit("org/name")
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="hf download org/name"):
        rk.audit(STATE, config=CONFIG, base="org/name")  # a whole base is never fetched
    import huggingface_hub

    asked = []

    def download(repository, revision, allow_patterns):
        asked.append(allow_patterns)
        return str(put(hub / repository))

    names = [
        "README.md",
        "adapter_model.safetensors",
        "adapter_model.bin",
        "optimizer.pt",
        "checkpoint-5/adapter_model.bin",
    ]

    def listed(repository, revision, timeout):
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=name) for name in names])

    monkeypatch.setattr(huggingface_hub, "model_info", listed)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    agrees(rk.audit("hf://org/name"), 2 * BA)
    assert asked[0][:2] == ["adapter_model*", "adapter_config.json"]
    agrees(rk.audit("https://huggingface.co/org/name/blob/main/adapter_model.safetensors"), 2 * BA)


def test_without_a_network_the_hub_is_asked_once(hub, tmp_path):
    """Its own functions try again for 20 seconds, and log each try on stderr."""
    pytest.importorskip("huggingface_hub")
    closed = {
        "HF_ENDPOINT": "http://127.0.0.1:1",
        "HF_HUB_CACHE": str(hub),
        "NO_PROXY": "127.0.0.1",
        "HF_HUB_OFFLINE": "0",
    }
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "rankkit", "audit", "org/name"],
        env=os.environ | closed, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert time.monotonic() - begun < 15
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert "org/name is no file or folder here, and not in the Hub's cache; it could not be fetched (" in done.stderr


def test_without_huggingface_hub_the_message_says_how(hub, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match="huggingface_hub is not installed; fetch it with"):
        rk.audit("org/name")


def test_a_mistyped_path_is_no_name_on_the_hub(hub):
    (hub.parent / "runs").mkdir()
    for source in ("runs/mine", "./runs", "a/b/c", hub / "x"):
        if source != "./runs":
            with pytest.raises(ValueError, match="does not exist"):
                rk.audit(source)


# -- zips ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inside", ["", "adapter/"])
def test_a_zip_means_the_adapter_in_it(tmp_path, inside):
    folder = put(tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, f"{inside}{file.name}")
            archive.write(file, f"{inside}checkpoint-1/{file.name}")
        archive.writestr("__MACOSX/._adapter_model.safetensors", b"x")
        archive.writestr("../evil.json", b"{}")
    report = rk.audit(tmp_path / "a.zip")
    agrees(report, 2 * BA)
    assert report.source == str(tmp_path / "a.zip")
    assert not (tmp_path.parent / "evil.json").exists()


def test_nothing_of_a_zip_stays_behind(tmp_path):
    folder = put(tmp_path / "x")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    (tmp_path / "t").mkdir()
    code = f"import tempfile; tempfile.tempdir = {str(tmp_path / 't')!r}; import rankkit as rk; rk.audit({str(tmp_path / 'a.zip')!r})"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list((tmp_path / "t").iterdir()) == []


def test_a_zip_that_is_damaged_or_holds_no_adapter_is_refused(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(ValueError, match="is no sound zip"):
        rk.audit(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    with pytest.raises(ValueError, match="holds no tensor file"):
        rk.audit(tmp_path / "b.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("adapter_model.safetensors", bytes(110_000_000))
    with pytest.raises(ValueError, match="would unpack to 110000000 bytes"):
        rk.audit(tmp_path / "bomb.zip")


# -- what is not there -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_model.bin", "a.gguf", "adapters.npz"])
def test_a_pointer_of_git_lfs(tmp_path, name):
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n")
    for source in (tmp_path, tmp_path / name):
        with pytest.raises(ValueError, match="a pointer of Git LFS, not the file itself: run git lfs pull"):
            rk.audit(source)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("adapter_model.safetensors", b"", "is empty"), ("x.npz", b"\n<!DOCTYPE html><html>", "a web page"),
        ("ggml-adapter-model.bin", b"algg\x01\x00", "llama.cpp before GGUF"), ("x.nemo", b"x", "an archive: unpack it"),
        ("adapter.tar.gz", b"\x1f\x8b", "an archive"),
    ],
)  # fmt: skip
def test_a_file_that_is_something_else(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=words):
        rk.audit(tmp_path / name)


def test_a_shard_or_a_configuration_may_be_a_pointer(tmp_path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12345\n"
    put(tmp_path / "x")
    (tmp_path / "x" / "adapter_config.json").write_text(pointer)
    with pytest.raises(ValueError, match="adapter_config.json is a pointer of Git LFS"):
        rk.audit(tmp_path / "x")
    (tmp_path / "model-1.safetensors").write_text(pointer)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"x": "model-1.safetensors"}}')
    with pytest.raises(ValueError, match="model-1.safetensors is a pointer of Git LFS"):
        rk.audit(STATE, config=CONFIG, base=tmp_path)


def test_flat_parameters_of_fsdp():
    with pytest.raises(ValueError, match="FSDP's flat parameters, .* FULL_STATE_DICT"):
        rk.audit({"base_model.model._fsdp_wrapped_module._flat_param": np.ones(9)}, config=CONFIG)


def test_tensors_that_zero_3_left_empty():
    empty = {key: np.zeros(0, np.float32) for key in STATE}
    with pytest.raises(ValueError, match="ZeRO-3 .* not gathered"):
        rk.audit(empty, config=CONFIG)
    table = rk.audit(empty | {"v.lora_A.weight": A, "v.lora_B.weight": B}, config=CONFIG).table
    assert table["status"].tolist() == ["unsupported", "ok"]
    assert "ZeRO-3" in table["note"][0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("__0_0.distcp", "dcp_to_torch"), ("pytorch_model_fsdp_0/x", "dcp_to_torch"), ("iter_0000100/x", "dcp_to_torch"),
        ("global_step10/x", "zero_to_fp32"), ("zero_pp_rank_0_mp_rank_00_model_states.pt", "zero_to_fp32"),
        ("flax_model.msgpack", "msgpack_restore"),
    ],
)  # fmt: skip
def test_a_sharded_state_says_how_to_gather_it(tmp_path, name, words):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ValueError, match=words):
        rk.audit(tmp_path)
    if "/" not in name:
        with pytest.raises(ValueError, match=words):
            rk.audit(tmp_path / name)


class Spread:
    """Stands for a tensor that lies on several devices."""


Spread.__module__, Spread.__qualname__ = "torch.distributed.tensor", "DTensor"


def test_a_pickle_of_spread_tensors_says_how_to_gather_them(tmp_path, monkeypatch):
    import torch.distributed.tensor

    monkeypatch.setattr(torch.distributed.tensor, "DTensor", Spread)
    torch.save({"q.lora_A.weight": Spread()}, tmp_path / "adapter_model.bin")
    with pytest.raises(ValueError, match="a sharded state that .* DeepSpeed|a sharded state that torch"):
        rk.audit(tmp_path)


QUANTISED = {
    "nf4": {"weight": np.zeros((12, 1), np.uint8), "weight.absmax": np.zeros(2, np.uint8),
            "weight.quant_state.bitsandbytes__nf4": np.zeros(9, np.uint8)},
    "8-bit": {"weight": np.zeros((24, 18), np.int8), "SCB": np.zeros(24, np.float32)},
    "GPTQ": {"qweight": np.zeros((3, 24), np.int32), "scales": np.zeros((1, 24), np.float32)},
    "8-bit floats": {"weight": np.zeros((24, 18), np.float32), "weight_scale_inv": np.zeros((1, 1), np.float32)},
}  # fmt: skip


@pytest.mark.parametrize("kind", QUANTISED)
def test_a_quantised_base_says_so(kind):
    base = {f"layers.0.q_proj.{name}": value for name, value in QUANTISED[kind].items()}
    with pytest.raises(ValueError, match=f"is quantised .*{kind}"):
        rk.audit(STATE, config=CONFIG, base=base)


def test_a_zip_of_several_adapters_names_them(tmp_path):
    put(tmp_path / "one")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for folder in ("one", "two"):
            for file in (tmp_path / "one").iterdir():
                archive.write(file, f"{folder}/{file.name}")
    with pytest.raises(ValueError, match=r"several adapters: one, two; unpack it"):
        rk.audit(tmp_path / "a.zip")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_configuration_is_read_in_the_encoding_that_it_tells(tmp_path, encoding):
    (put(tmp_path / "a") / "adapter_config.json").write_text(JSON, encoding=encoding)
    agrees(rk.audit(tmp_path / "a"), 8 / 4 * BA, rel=1e-6)


def test_several_adapters_of_a_cached_repository_are_named_and_measured(hub):
    inside = cached(hub, "0a1b", main="0a1b") / "snapshots" / "0a1b"
    (inside / "adapter_model.safetensors").unlink()
    (inside / "adapter_config.json").unlink()
    for name in ("checkpoint-100", "checkpoint-20"):
        put(inside / name)
    with pytest.raises(ValueError, match="subfolders do: checkpoint-20, checkpoint-100, newest last"):
        rk.audit("hf://org/name")
    assert rk.audit("hf://org/name", each=True).columns["adapter"] == ["checkpoint-20", "checkpoint-100"]


def test_an_archive_that_is_not_there_or_not_unpacked_is_said(tmp_path):
    (tmp_path / "x.zip").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    with pytest.raises(ValueError, match="a pointer of Git LFS"):
        rk.audit(tmp_path / "x.zip")
    with pytest.raises(ValueError, match="around an archive: pass x.zip"):
        rk.audit(tmp_path)
