import torch
from torch import nn


class ClassToken(nn.Module):
    """Q3: (b, patches, emb_size) -> (b, patches + 1, emb_size), one learned token in front."""

    def __init__(self, emb_size=192):
        super().__init__()
        self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))

    def forward(self, x):
        return torch.hstack([self.cls_token.expand(len(x), 1, -1), x])
