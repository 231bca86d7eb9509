from torch import nn

from helpers.vit.pieces.q5_attention import MultiHeadAttention
from helpers.vit.pieces.q6_residual_add import ResidualAdd
from helpers.vit.pieces.q7_feed_forward import FeedForwardBlock


class TransformerEncoderBlock(nn.Sequential):
    """Q7: a pre-norm encoder block, as nn.TransformerEncoderLayer(norm_first=True), from the pieces above or yours."""

    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        super().__init__()
        attention = MultiHeadAttention(emb_size, num_heads=num_heads, dropout=dropout)
        for part in (attention, FeedForwardBlock(emb_size, expansion=expansion, dropout=dropout)):
            branch = nn.Sequential(nn.LayerNorm(normalized_shape=emb_size))
            self.append(ResidualAdd(branch.append(part).append(nn.Dropout(p=dropout))))
