from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call


class MultiHeadAttention(nn.Module):
    """Q5: (b, n, emb_size) -> (b, n, emb_size), by torch's own attention function."""

    def __init__(self, emb_size=192, num_heads=3, dropout=0.0):
        super().__init__()
        self.num_heads = num_heads
        self.queries, self.keys, self.values = (nn.Linear(emb_size, emb_size) for _ in range(3))
        self.att_drop = nn.Dropout(dropout)
        self.projection = nn.Linear(emb_size, emb_size)

    def forward(self, x):
        layers = (self.queries, self.keys, self.values)
        # one product is faster than three
        weight, bias = (torch.cat([getattr(each, kind) for each in layers]) for kind in ("weight", "bias"))
        if x.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
            last = {"proj.weight": self.projection.weight, "proj.bias": self.projection.bias}
            plain = _plain(x.shape[-1], self.num_heads, self.att_drop.p).train(self.training)
            return functional_call(plain, {"qkv.weight": weight, "qkv.bias": bias, **last}, x)
        three = F.linear(x, weight, bias).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = three.permute(2, 0, 3, 1, 4).unbind()  # (b, h, n, d) each
        dropout = self.att_drop.p if self.training else 0.0
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout)  # (b, h, n, d)
        return self.projection(out.transpose(1, 2).flatten(2))  # (b, n, emb)


@lru_cache
def _plain(size, heads, dropout):
    """timm's attention, step by step: on processors, backwards in bfloat16, twice as fast as torch's function."""
    from timm.models.vision_transformer import Attention

    with torch.device("meta"):  # it is given weights when it is called
        plain = Attention(size, heads, qkv_bias=True, attn_drop=dropout)
    plain.fused_attn = False
    return plain
