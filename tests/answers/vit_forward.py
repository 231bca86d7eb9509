def vit(*lines, before=""):
    """The exercise's cell with these lines in forward."""
    body = "".join(f"        {line}\n" for line in lines)
    return f"""\
class ViT(nn.Module):
    def __init__(self, parts, head):
        super().__init__()
        self.patch_embedding = parts.patch_embedding
        self.class_token = parts.class_token
        self.positional_embedding = parts.positional_embedding
        self.blocks = parts.blocks
        self.head = head
        {before}

    def forward(self, images):
{body}"""


PATCHES, TOKEN = "x = self.patch_embedding(images)", "x = self.class_token(x)"
POSITIONS = "x = self.positional_embedding(x)"
TOKENS = (PATCHES, TOKEN, POSITIONS)
REST = ("x = self.blocks(x)", "return self.head(x)")


def tokens(*lines):
    return vit(*lines, *REST)


def rest(*lines):
    return vit(*TOKENS, *lines)


WRONG = [
    ("too-much-given", tokens("x = self.patch_embedding(images, 4)", TOKEN, POSITIONS)),
    ("name-not-known", tokens("x = patch_embedding(images)", TOKEN, POSITIONS)),
    ("used-too-early", tokens("x = self.patch_embedding(x)", TOKEN, POSITIONS)),
    ("object-lacks", tokens("x = self.patch_embeddings(images)", TOKEN, POSITIONS)),
    ("tuple-for-tensor", rest("return self.head([block(x) for block in self.blocks])")),
    # images to tokens
    ("no-positions", tokens(PATCHES, TOKEN)),
    ("no-positions", tokens(PATCHES, TOKEN, "self.positional_embedding(x)")),
    ("positions-twice", tokens(*TOKENS, POSITIONS)),
    ("input-added", tokens(PATCHES, TOKEN, "x = x + self.positional_embedding(x)")),
    ("patches-only", tokens(PATCHES)),
    ("positions-without-token", tokens(PATCHES, POSITIONS)),
    ("positions-without-token", tokens(PATCHES, POSITIONS, TOKEN)),
    ("positions-without-token", tokens(PATCHES, "self.class_token(x)", POSITIONS)),
    ("token-twice", tokens(PATCHES, TOKEN, TOKEN, POSITIONS)),
    ("images-not-cut", tokens("x = self.class_token(images)", POSITIONS)),
    ("images-not-cut", tokens("x = self.positional_embedding(images)")),
    ("images-not-cut", vit("x = images", *REST)),
    ("gradient-cut", tokens(*TOKENS, "x = x.detach()")),
    ("gradient-cut", tokens(*TOKENS, "x = x.data")),
    ("part-not-called", tokens("x = self.patch_embedding", TOKEN, POSITIONS)),
    ("part-not-called", tokens(PATCHES, TOKEN, "x = self.positional_embedding")),
    (None, tokens(PATCHES, TOKEN, "x = self.positional_embedding(x) * 2")),
    (None, tokens(PATCHES, "x = x + self.class_token.cls_token", "x = self.positional_embedding(x)")),
    (None, tokens(PATCHES, TOKEN, "x = x.flip(1)", POSITIONS)),
    (None, tokens("x = self.patches(images)", TOKEN, POSITIONS)),
    (None, tokens(PATCHES, TOKEN, POSITIONS, "x = x.to('meta')")),
    (None, tokens(PATCHES, TOKEN, POSITIONS, "x = x * float('nan')")),
    # tokens to logits
    ("no-blocks", rest("return self.head(x)")),
    ("no-blocks", rest("self.blocks(x)", "return self.head(x)")),
    ("no-head", rest("return self.blocks(x)")),
    ("no-head", rest("x = self.blocks(x)", "self.head(x)", "return x")),
    ("blocks-twice", rest("x = self.blocks(self.blocks(x))", "return self.head(x)")),
    ("one-block", rest("x = self.blocks[0](x)", "return self.head(x)")),
    ("residual-around-all", rest("x = x + self.blocks(x)", "return self.head(x)")),
    ("softmax", rest("return self.head(self.blocks(x)).softmax(dim=1)")),
    ("softmax", rest("return torch.softmax(self.head(self.blocks(x)), dim=-1)")),
    ("log-softmax", rest("return self.head(self.blocks(x)).log_softmax(dim=1)")),
    ("argmax", rest("return self.head(self.blocks(x)).argmax(dim=1)")),
    ("head-before-blocks", rest("return self.blocks(self.head(x))")),
    ("class-token-picked-twice", rest("return self.head(self.blocks(x)[:, 0])")),
    ("part-not-called", rest("return self.head(self.blocks)")),
    (None, rest("return self.head(self.blocks(x)).sigmoid()")),
    (None, rest("return self.head(self.blocks(x)[:, 1:])")),
    ("part-not-called", rest("return self.head")),
    (None, rest("x = self.blocks(x)")),  # None
    (None, rest("return self.head(self.blocks(x)).tolist()")),
    (None, rest("return self.head(self.encoder(x))")),
    # both
    ("no-positions", vit(PATCHES, TOKEN, "return self.blocks(x)")),
    (None, vit("return images")),
    (None, vit("pass")),
    (None, "ViT = None"),
    (None, "ViT = nn.Identity()"),
    (None, "class ViT(nn.Module):\n    pass"),
    (None, "class ViT(nn.Module):\n    def __init__(self, parts, head):\n        super().__init__()"),
    (None, "class ViT:\n    def __init__(self, parts, head):\n        pass"),
]

RIGHT = [
    vit("return self.head(self.blocks(self.positional_embedding(self.class_token(self.patch_embedding(images)))))"),
    vit("for part in self.children():", "    images = part(images)", "return images"),
    vit("return self.all(images)", before="self.all = nn.Sequential(*self.children())"),
    tokens("tokens = self.patch_embedding(images)", "print(tokens.shape)", "x = self.positional_embedding(self.class_token(tokens))"),
    rest("for block in self.blocks:", "    x = block(x)", "logits = self.head(x)", "return logits"),
    rest("return self.head(self.blocks(x)).double()"),
    rest("logits = self.head(self.blocks(x))", "return logits.T.contiguous().T"),
    """\
import warnings

class ViT(nn.Module):
    def __init__(self, parts, head, note="an argument of my own"):
        super().__init__()
        for name in ("patch_embedding", "class_token", "positional_embedding", "blocks"):
            setattr(self, name, getattr(parts, name))
        self.head = head

    def tokens(self, images):
        return self.positional_embedding(self.class_token(self.patch_embedding(images)))

    def forward(self, images):
        warnings.warn("a warning costs nothing")
        return self.head(self.blocks(self.tokens(images)))
""",
]  # fmt: skip
