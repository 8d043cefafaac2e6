"""A network of torchvision with random weights."""

import torch
from save import save
from torchvision.models import squeezenet1_1

torch.manual_seed(0)
model = squeezenet1_1(num_classes=3).eval()
X = torch.randn(4, 3, 32, 32)
save(model, X, model(X).detach(), file="model.pt", dump=torch.save)
