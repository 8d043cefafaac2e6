"""Convolutions, norms and activations of torch, saved as a whole."""

import torch
from save import save
from torch import nn

torch.manual_seed(0)
model = nn.Sequential(
    nn.Conv1d(2, 4, 3, padding=1),
    nn.BatchNorm1d(4),
    nn.GELU(),
    nn.MaxPool1d(2),
    nn.Dropout(0.3),
    nn.SiLU(),
    nn.Conv1d(4, 4, 1),
    nn.GroupNorm(2, 4),
    nn.PReLU(),
    nn.AdaptiveAvgPool1d(2),
    nn.Flatten(),
    nn.LayerNorm(8),
    nn.Linear(8, 6),
    nn.Mish(),
    nn.Linear(6, 3),
    nn.Softmax(1),
).eval()
X = torch.randn(6, 2, 8)
save(model, X, model(X).detach(), file="model.pt", dump=torch.save)
