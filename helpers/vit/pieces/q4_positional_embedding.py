import torch
from torch import nn


class PositionalEmbedding(nn.Module):
    """Q4, learnable kind: (b, patches + 1, emb_size) -> the same, one learned row added to each token."""

    def __init__(self, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        side = len(range(0, img_size, patch_size))
        self.learnable_positions = nn.Parameter(torch.randn(side * side + 1, emb_size))

    def forward(self, x):
        return torch.add(self.learnable_positions, x)
