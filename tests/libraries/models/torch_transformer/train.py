"""A transformer layer of torch whose activation is a function, pickled."""

import torch
from save import save
from torch import nn

torch.manual_seed(0)
layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True)
model = nn.Sequential(nn.TransformerEncoder(layer, 2), nn.Flatten(), nn.Linear(24, 2)).eval()
X = torch.randn(6, 3, 8)
with torch.no_grad():
    save(model, X.numpy(), model(X).numpy())
