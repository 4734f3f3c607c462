"""Train a sine adapter, save it, and see its rank: the script of the README."""

import peft
import torch

import rankkit as rk
from rankkit.adapters import SineLoraConfig, phases

config = SineLoraConfig(omega=200, r=4, target_modules=["0"])
model = peft.get_peft_model(torch.nn.Sequential(torch.nn.Linear(64, 96), torch.nn.Linear(96, 8)), config)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
x, y = torch.randn(256, 64), torch.randint(0, 8, (256,))
for _ in range(50):
    torch.nn.functional.cross_entropy(model(x), y).backward()
    optimizer.step()
    optimizer.zero_grad()
print(phases(model))
model.save_pretrained("sine/")
print(rk.audit("sine/", progress=False).table[["module", "rule", "plain_stable_rank", "stable_rank"]])
