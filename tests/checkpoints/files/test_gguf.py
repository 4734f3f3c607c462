"""GGUF adapters, written by llama.cpp's own package, read by our reader; what is damaged is refused in one sentence."""

import struct

import numpy as np
import pytest

import rankkit as rk
from rankkit.checkpoints.files.gguf import GgufFile
from tests.checkpoints.conftest import agrees, dense

gguf = pytest.importorskip("gguf")
RNG = np.random.default_rng(4)
M, N, R = 64, 96, 32
B, A = (RNG.standard_normal(shape).astype(np.float32) for shape in ((M, R), (R, N)))
BA = B.astype(float) @ A.astype(float)
PAIR = {"blk.0.attn_q.weight.lora_a": A, "blk.0.attn_q.weight.lora_b": B}


def written(path, tensors, alpha: float | None = 64.0, types=None, **more):
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", more.get("kind", "lora"))
    writer.add_array("tokenizer.tokens", ["a", "bc"])
    writer.add_array("numbers", [1, 2, 3])
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    for name, tensor in tensors.items():
        kind = (types or {}).get(name)
        data = tensor if kind is None else gguf.quants.quantize(tensor, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(("alpha", "scale"), [(64.0, 2), (0.0, 1), (None, 1)])
def test_the_scale_is_that_of_llama_cpp(tmp_path, alpha, scale):
    status = "assumed" if alpha is None else "ok"
    row = agrees(rk.audit(written(tmp_path / "a.gguf", PAIR, alpha)), scale * BA, status=status)
    assert row["module"] == "blk.0.attn_q"


@pytest.mark.parametrize("name", ["F32", "F16", "BF16", "Q8_0", "Q4_0", "Q5_1"])
def test_every_type_gives_what_llama_cpps_package_reads(tmp_path, name):
    kind = gguf.GGMLQuantizationType[name]
    path = written(tmp_path / "a.gguf", PAIR, types=dict.fromkeys(PAIR, kind))
    exact = [gguf.quants.dequantize(t.data, t.tensor_type).astype(float) for t in gguf.GGUFReader(path).tensors]
    file = GgufFile(path)
    for tensor, values in zip(PAIR, exact, strict=True):
        np.testing.assert_array_equal(file.read(tensor), values.reshape(PAIR[tensor].shape))
    agrees(rk.audit(path), 2 * exact[1].reshape(B.shape) @ exact[0].reshape(A.shape))


def test_the_token_embedding_is_stored_the_other_way(tmp_path):
    vocabulary = RNG.standard_normal((50, R)).astype(np.float32)
    path = written(tmp_path / "a.gguf", {"token_embd.weight.lora_a": vocabulary, "token_embd.weight.lora_b": B})
    agrees(rk.audit(path), 2 * B.astype(float) @ vocabulary.T.astype(float))


def test_experts_have_an_axis_of_their_own(tmp_path):
    a, b = RNG.standard_normal((3, 4, N)).astype(np.float32), RNG.standard_normal((3, M, 4)).astype(np.float32)
    name = "blk.0.ffn_up_exps.weight"
    report = rk.audit(written(tmp_path / "a.gguf", {f"{name}.lora_a": a, f"{name}.lora_b": b}, alpha=8.0))
    assert report.table["module"].tolist() == [f"blk.0.ffn_up_exps[{e}]" for e in range(3)]
    for e in range(3):
        exact = dense(2.0 * b[e].astype(float) @ a[e].astype(float))
        np.testing.assert_allclose(report.spectra[f"blk.0.ffn_up_exps[{e}]"], exact[:4], atol=1e-9 * exact[0])


def test_another_kind_of_adapter_is_refused(tmp_path):
    with pytest.raises(ValueError, match="adapter of type 'control_vector'"):
        rk.audit(written(tmp_path / "a.gguf", PAIR, kind="control_vector"))


@pytest.mark.parametrize("cut", [2, 10, 60, 200, 5000, -1])
def test_a_truncated_file_is_refused(tmp_path, cut):
    path = written(tmp_path / "a.gguf", PAIR)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ValueError, match="GGUF") as caught:
        rk.audit(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("<IQQ", 3, 2**60, 0), struct.pack("<IQQ", 3, 0, 2**60), struct.pack("<IQQ", 9, 0, 0),
        struct.pack("<IQQQ", 3, 0, 1, 2**62), struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"k", 9, 9, 2**40),
        struct.pack("<IQQQ1sIQ", 3, 0, 1, 1, b"k", 8, 2**50),
        struct.pack("<IQQQ1sI4Q", 3, 1, 0, 1, b"t", 4, 2**40, 2**40, 2**40, 2**40) + struct.pack("<IQ", 0, 0),
        struct.pack("<IQQQ1sI", 3, 1, 0, 1, b"t", 2**31), struct.pack("<IQQQ1sI2QIQ", 3, 1, 0, 1, b"t", 2, 4, 4, 0, 2**61),
    ],
)  # fmt: skip
def test_a_header_that_claims_more_than_the_file_has_is_refused(tmp_path, header):
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + header)
    with pytest.raises(ValueError, match="is no sound GGUF file|damaged GGUF header"):
        rk.audit(tmp_path / "a.gguf")
