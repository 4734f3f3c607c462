"""Search for a matrix whose sine turns its singular directions by more than ||R|| / gap: ada.step1.wedin.sine.

    python benchmarks/search_wedin.py --steps 2000

Gradient ascent from 128 random pairs B (5 x 4) and A (4 x 5) on sin(Theta) gap / ||R||, R = sin(B A) - B A, with
penalties that keep ||R|| below half of the gap and the entries within 2. What it finds is rounded to fiftieths.
"""

from __future__ import annotations

import argparse

import torch

STARTS, RATE, FIFTY = 128, 0.02, 50
MOST_RATIO, MOST_ENTRY = 0.49, 1.99  # of ||R|| / gap and of the entries: a little inside the hypotheses


def measured(pairs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return ||R|| / gap, sin(Theta) and the largest entry of B A, for pairs (n, 2, 5, 4) of B and A^T."""
    right = pairs[:, 1]
    M = pairs[:, 0] @ right.transpose(-1, -2)
    S = torch.sin(M)
    R = S - M
    gap = torch.linalg.eigvalsh(M.transpose(-1, -2) @ M)[:, 1].clamp(min=1e-12).sqrt()
    size = torch.linalg.eigvalsh(R.transpose(-1, -2) @ R)[:, 4].clamp(min=1e-12).sqrt()
    last = torch.linalg.eigh(S.transpose(-1, -2) @ S)[1][:, :, :1]
    seen = right.transpose(-1, -2) @ last
    gram = torch.linalg.inv(right.transpose(-1, -2) @ right + 1e-9 * torch.eye(4, dtype=right.dtype))
    sine = (seen.transpose(-1, -2) @ gram @ seen)[:, 0, 0].clamp(min=1e-12).sqrt()
    return size / gap, sine, M.abs().amax((1, 2))


def main() -> None:
    """Print the best pair that was found, in fiftieths."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2000, help="of the ascent (default: 2000)")
    steps = parser.parse_args().steps
    torch.manual_seed(1)
    torch.set_default_dtype(torch.float64)
    pairs = torch.randn(STARTS, 2, 5, 4) * torch.empty(STARTS, 1, 1, 1).uniform_(0.4, 1.0)
    pairs.requires_grad_()
    optimizer, best, kept = torch.optim.Adam([pairs], lr=RATE), 0.0, pairs[0].detach()
    for _ in range(steps):
        ratio, sine, entry = measured(pairs)
        good = torch.where((ratio < 0.5) & (entry < 2), sine / ratio, torch.zeros_like(ratio)).detach()
        if float(good.max()) > best:
            best, kept = float(good.max()), pairs[int(good.argmax())].detach().clone()
        outside = 30 * torch.relu(ratio - MOST_RATIO) + 10 * torch.relu(entry - MOST_ENTRY)
        loss = (torch.log(ratio / sine) + outside).nan_to_num(0).clamp(max=50).sum()
        optimizer.zero_grad()
        loss.backward()
        assert pairs.grad is not None
        pairs.grad.nan_to_num_(0).clamp_(-5, 5)
        optimizer.step()
    whole = torch.round(kept * FIFTY)
    ratio, sine, entry = (float(x) for x in measured(whole[None] / FIFTY))
    print(f"sin(Theta) {sine:.4f} where ||R|| / gap is {ratio:.4f}; entries within {entry:.3f}")
    print("B =", whole[0].int().tolist())
    print("A =", whole[1].T.int().tolist())


if __name__ == "__main__":
    main()
