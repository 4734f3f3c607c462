"""Real trained adapters: the update that their own code applies, put together by hand."""

import numpy as np
import pytest
import torch

import rankkit as rk
from tests.checkpoints.conftest import dense

REAL = {
    "cloneofsimo-analog-svd-r4": (192, 0, 0), "cloneofsimo-disney-pt-r4": (128, 32, 0),
    "cloneofsimo-disney-r1/lora_disney.safetensors": (192, 0, 2),
    "cloneofsimo-disney-r1/lora_disney_inpainting.safetensors": (192, 0, 2),
    "diffusers-sd15-attnprocs/pytorch_lora_weights.bin": (128, 0, 0),
    "diffusers-sd15-attnprocs/pytorch_lora_weights.safetensors": (128, 0, 0), "loralib-roberta-base-mnli": (24, 0, 4),
    "lycoris-lokr-sd/smart_falcon_4_lokr.safetensors": (350, 3, 0),
    "lycoris-lokr-sd/smart_falcon_16_lokr.safetensors": (350, 3, 0), "mlx-npz-mistral": (32, 0, 0),
    "mlx-qwen-two-checkpoints/0000100_adapters.safetensors": (8, 0, 0),
    "mlx-qwen-two-checkpoints/0000200_adapters.safetensors": (8, 0, 0), "peft-bloom-560m-legacy-merged": (24, 0, 0),
    "sam-lora-rank-sweep/lora_rank2.safetensors": (24, 0, 0), "sam-lora-rank-sweep/lora_rank16.safetensors": (24, 0, 0),
}  # fmt: skip


def raw(path):
    """Return a file's tensors by the libraries their makers use."""
    if path.is_dir():
        path = next(p for p in path.iterdir() if p.suffix in (".safetensors", ".bin", ".pt", ".npz"))
    if path.suffix == ".npz":
        return dict(np.load(path))
    if path.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(path)
    held = torch.load(path, weights_only=True, map_location="cpu")
    held = dict(enumerate(held)) if isinstance(held, list) else held
    return {str(key): value.detach().numpy() for key, value in held.items()}


def reference(name, module, tensors):
    """Return a module's update, put together by hand for each real file."""
    own = (key for key in tensors if key.startswith(module) or ":" in key or key.isdecimal() or "w_" in key)
    t = {key: np.asarray(tensors[key], dtype=np.float64) for key in own}
    if "disney-pt" in name:
        i = 2 * int(module.split(":")[1])
        return t[str(i)] @ t[str(i + 1)]
    if "cloneofsimo" in name:
        return t[f"{module}:up"] @ t[f"{module}:down"]
    if "diffusers" in name:
        path, _, projection = module.rpartition(".to_")
        return (np.asarray(tensors[f"{path}.processor.to_{projection}_lora.up.weight"], dtype=np.float64)
                @ tensors[f"{path}.processor.to_{projection}_lora.down.weight"])  # fmt: skip
    if "loralib" in name:
        return t[f"{module}.lora_B"] @ t[f"{module}.lora_A"]
    if "mlx" in name:
        return (10.0 if "qwen" in name else 1.0) * (t[f"{module}.lora_a"] @ t[f"{module}.lora_b"]).T
    if "sam" in name:
        return t[f"w_b_{module[2:]}"] @ t[f"w_a_{module[2:]}"]
    if "lokr" in name:
        part = {key[len(module) + 1 :]: value for key, value in t.items() if key.startswith(f"{module}.")}
        w1 = part["lokr_w1"] if "lokr_w1" in part else part["lokr_w1_a"] @ part["lokr_w1_b"]
        if "lokr_t2" in part:
            w2 = np.einsum("ijkl,ip,jr->prkl", part["lokr_t2"], part["lokr_w2_a"], part["lokr_w2_b"])
        else:
            w2 = part["lokr_w2"] if "lokr_w2" in part else part["lokr_w2_a"] @ part["lokr_w2_b"]
        return np.kron(w1, w2.reshape(w2.shape[0], -1))  # alpha equals the rank in these files
    A, B = (np.asarray(tensors[f"base_model.model.{module}.lora_{x}.weight"], dtype=np.float64) for x in "AB")
    half = B.shape[0] // 2
    return 2.0 * np.vstack([B[:half, :, 0] @ A[:8], B[half:, :, 0] @ A[8:]])


@pytest.mark.parametrize("name", REAL)
def test_real_adapters_have_the_update_their_own_code_applies(name, adapters):
    report = rk.audit(adapters / name)
    status = report.table["status"]
    assert (len(status), (status == "zero").sum(), len(report.skipped)) == REAL[name]
    measured = (
        "assumed" if report.table["note"].str.contains("scale 1 assumed").any() else "ok"
    )  # where no scale is stored
    assert (status == measured).sum() == REAL[name][0] - REAL[name][1]
    tensors = raw(adapters / name)
    largest = dict(zip(report.columns["module"], map(max, report.columns["m"], report.columns["n"]), strict=True))
    small = [m for m in report.spectra if largest[m] <= 1300]
    few = small[:: max(1, len(small) // 2)][:3] or list(report.spectra)[:1]
    for module in few:
        sigma, update = report.spectra[module], reference(name, _bare(name, module), tensors)
        exact = dense(update) if 4 * sigma.size > min(update.shape) else of_its_range(update, sigma.size)
        np.testing.assert_allclose(sigma, exact[: sigma.size], rtol=0, atol=1e-9 * exact[0])


def of_its_range(update, rank):
    """Return the singular values of a matrix that is known to have a small rank: an SVD of all takes ten seconds."""
    samples = np.linalg.qr(update @ np.random.default_rng(0).standard_normal((update.shape[1], rank + 8)))[0]
    sigma = dense(samples.T @ update)
    assert np.linalg.norm(update - samples @ (samples.T @ update)) <= 1e-10 * sigma[0]
    return sigma


def _bare(name, module):
    return f"w_{module.split('w')[-1].strip('_.')}" if "sam" in name else module
