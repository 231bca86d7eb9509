from torch import nn


class PatchEmbedding(nn.Module):
    """Q2: (b, in_channels, img_size, img_size) -> (b, patches, emb_size), by a strided convolution."""

    def __init__(self, in_channels=3, patch_size=4, emb_size=192, img_size=32):
        super().__init__()
        self.projection = nn.Conv2d(in_channels, emb_size, kernel_size=patch_size, stride=patch_size)

    def forward(self, x):
        return self.projection(x).flatten(2).transpose(1, 2)  # (b, emb, rows, columns) -> (b, patches, emb)
