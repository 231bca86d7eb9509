CAT = "torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=1)"
SUM = "tokens + positions"
RETURN = "return tokens, z0"
ROW = "class_token.expand(len(patches), -1, -1)"

WRONG = [
    ("token-of-another", {CAT: "torch.cat([model.cls_token.expand(len(patches), -1, -1), patches], dim=1)"}),
    ("sizes-do-not-fit", {SUM: "tokens + model.pos_embed"}),
    ("joined-images", {SUM: "torch.cat([tokens, positions])"}),
    ("list-for-result", {CAT: "[class_token, patches]"}),
    ("repeat-axes", {CAT: "torch.cat([class_token.expand(len(patches)), patches], dim=1)"}),
    ("import-repeat", {ROW: "repeat(class_token, '1 1 d -> b 1 d', b=len(patches))"}),
    ("import-np", {CAT: "np.concatenate([class_token, patches])"}),
    ("product-sizes", {SUM: "tokens @ positions"}),
    ("value-called", {SUM: "tokens + positions(tokens)"}),
    ("at-the-end", {CAT: f"torch.cat([patches, {ROW}], dim=1)"}),
    ("added-to-patches", {CAT: "patches + class_token"}),
    ("added-to-patches", {CAT: "patches + class_token", SUM: "tokens"}),
    ("patches-only", {CAT: "patches", SUM: "tokens"}),
    ("class-only", {CAT: ROW}),
    (
        "first-patch-lost",
        {CAT: f"torch.cat([{ROW}, patches[:, 1:]], dim=1)", SUM: "tokens + positions[:, 1:]"},
    ),
    ("zeros-in-front", {CAT: "torch.cat([torch.zeros_like(patches[:, :1]), patches], dim=1)"}),
    ("mean-in-front", {CAT: "torch.cat([patches.mean(dim=1, keepdim=True), patches], dim=1)"}),
    ("positions-too-early", {CAT: f"torch.cat([{ROW}, patches], dim=1) + positions"}),
    ("not-expanded", {CAT: "torch.cat([class_token, patches], dim=1)"}),
    ("wrong-axis", {CAT: f"torch.cat([{ROW}, patches])"}),
    ("wrong-axis", {CAT: f"torch.cat([{ROW}, patches], dim=2)"}),
    ("stacked", {CAT: f"torch.stack([{ROW}, patches], dim=1)"}),
    ("no-list", {CAT: f"torch.cat({ROW}, patches)"}),
    ("other-name", {CAT: "torch.cat([cls_token, patches], dim=1)"}),
    (None, {CAT: "None"}),
    (None, {CAT: f"2 * torch.cat([{ROW}, patches], dim=1)"}),
    ("no-positions", {SUM: "tokens"}),
    ("positions-alone", {SUM: "positions"}),
    ("positions-alone-everywhere", {SUM: "positions.expand(tokens.shape)"}),
    ("multiplied", {SUM: "tokens * positions"}),
    ("subtracted", {SUM: "tokens - positions"}),
    ("added-twice", {SUM: "tokens + positions + positions"}),
    ("patches-positioned-only", {SUM: "torch.cat([tokens[:, :1], patches + positions[:, 1:]], dim=1)"}),
    ("first-only", {SUM: "torch.cat([tokens[:, :1] + positions[:, :1], patches], dim=1)"}),
    ("class-position-everywhere", {SUM: "tokens + positions[:, 0]"}),
    ("joined", {SUM: "torch.cat([tokens, positions.expand(tokens.shape)], dim=1)"}),
    ("shifted", {SUM: "tokens + positions.roll(-1, dims=1)"}),
    ("sizes-do-not-fit", {SUM: "patches + positions"}),
    ("other-name", {SUM: "tokens + pos_embed"}),
    (None, {SUM: "None"}),
    (None, {SUM: "tokens + 0.5 * positions"}),
    (None, {SUM: "(tokens + positions).to('meta')"}),
    (None, {SUM: "(tokens + positions) * float('nan')"}),
    (None, {RETURN: "return z0"}),
    (None, {RETURN: "pass"}),
    (None, "transformer_input = 3"),
]

RIGHT = [
    {CAT: "torch.cat([class_token.repeat(len(patches), 1, 1), patches], dim=1)"},
    {CAT: "torch.hstack([torch.ones(len(patches), 1, 1) * class_token, patches])"},
    {CAT: "torch.cat((class_token.expand(patches.shape[0], 1, patches.shape[2]), patches), dim=-2)"},
    {CAT: "torch.stack([torch.cat([class_token[0], image]) for image in patches])"},
    {SUM: "positions + tokens"},
    {SUM: "torch.add(tokens, positions)"},
    {SUM: "tokens.double() + positions[0]"},
    {SUM: "torch.stack([image + positions[0] for image in tokens])"},
    {RETURN: "print('a print costs nothing')\n    return [tokens.numpy(), z0.double()]"},
    """\
import warnings

def transformer_input(patches, class_token, positions):
    warnings.warn("a warning costs nothing")
    b, n, d = patches.shape
    tokens = torch.empty(b, n + 1, d)
    tokens[:, 0] = class_token
    tokens[:, 1:] = patches
    return tokens, tokens + positions
""",
]
