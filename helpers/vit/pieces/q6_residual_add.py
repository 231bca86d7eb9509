import torch
from torch import nn


class ResidualAdd(nn.Module):
    """Q6: the input and what `fn` makes of it, summed."""

    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, x, **kwargs):
        return torch.add(self.fn(x, **kwargs), x)
