from torch import nn


class FeedForwardBlock(nn.Sequential):
    """Q7: (b, n, emb_size) -> (b, n, emb_size) through a wider layer; both Linears are those of torch's encoder layer."""

    def __init__(self, emb_size, expansion=4, dropout=0.0):
        layer = nn.TransformerEncoderLayer(emb_size, 1, dim_feedforward=emb_size * expansion, dropout=dropout)
        super().__init__(layer.linear1, nn.GELU(), layer.dropout, layer.linear2)
