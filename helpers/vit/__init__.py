"""The whole Vision Transformer: pieces, the model that is made of them, and timm's weights for it."""
