"""A traced network in TorchScript."""

import torch
from save import save
from torch import nn

torch.manual_seed(0)
X = torch.randn(6, 4)
model = torch.jit.trace(nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 2)).eval(), X)
save(model, X, model(X).detach(), file="model.pt", dump=torch.jit.save)
