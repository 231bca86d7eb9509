VARIANCE = "((x - mean) ** 2).mean(dim=-1, keepdim=True)"
OUT = "(x - mean) / torch.sqrt(variance + eps) * scale + shift"

WRONG = [
    ("unbiased", {VARIANCE: "x.var(dim=-1, keepdim=True)"}),
    ("unbiased", {VARIANCE: "((x - mean) ** 2).sum(dim=-1, keepdim=True) / (x.shape[-1] - 1)"}),
    ("deviation", {VARIANCE: "x.std(dim=-1, keepdim=True, correction=0)"}),
    ("deviation-unbiased", {VARIANCE: "x.std(dim=-1, keepdim=True)"}),
    ("not-squared", {VARIANCE: "(x - mean).mean(dim=-1, keepdim=True)"}),
    ("absolute", {VARIANCE: "(x - mean).abs().mean(dim=-1, keepdim=True)"}),
    ("not-centred", {VARIANCE: "(x**2).mean(dim=-1, keepdim=True)"}),
    ("summed", {VARIANCE: "((x - mean) ** 2).sum(dim=-1, keepdim=True)"}),
    ("not-averaged", {VARIANCE: "(x - mean) ** 2"}),
    ("whole-tensor", {VARIANCE: "x.var(unbiased=False)"}),
    ("whole-tensor-own-mean", {VARIANCE: "((x - mean) ** 2).mean()"}),
    ("whole-tensor-unbiased", {VARIANCE: "x.var()"}),
    ("wrong-axis", {VARIANCE: "x.var(dim=0, keepdim=True, correction=0)"}),
    ("wrong-axis-own-mean", {VARIANCE: "((x - mean) ** 2).mean(dim=0, keepdim=True)"}),
    ("tokens-axis-own-mean", {VARIANCE: "((x - mean) ** 2).mean(dim=-2, keepdim=True)"}),
    ("two-axes", {VARIANCE: "x.var(dim=(-2, -1), keepdim=True, correction=0)"}),
    ("square-of-mean", {VARIANCE: "mean**2"}),
    ("sign", {VARIANCE: "-((x - mean) ** 2).mean(dim=-1, keepdim=True)"}),
    ("no-keepdim", {VARIANCE: "((x - mean) ** 2).mean(dim=-1)"}),
    ("no-keepdim", {VARIANCE: "x.var(dim=-1, correction=0)"}),
    ("power-sign", {VARIANCE: "((x - mean) ^ 2).mean(dim=-1, keepdim=True)"}),
    ("axis-not-there", {VARIANCE: "((x - mean) ** 2).mean(dim=4, keepdim=True)"}),
    ("import-np", {VARIANCE: "np.var(x, axis=-1, keepdims=True)"}),
    (None, {VARIANCE: "((x - mean) ** 3).mean(dim=-1, keepdim=True)"}),
    (None, {VARIANCE: "None"}),
    ("not-centred-out", {OUT: "x / torch.sqrt(variance + eps) * scale + shift"}),
    ("no-root", {OUT: "(x - mean) / (variance + eps) * scale + shift"}),
    ("no-root-no-eps", {OUT: "(x - mean) / variance * scale + shift"}),
    ("eps-forgotten", {OUT: "(x - mean) / torch.sqrt(variance) * scale + shift"}),
    ("eps-outside", {OUT: "(x - mean) / (torch.sqrt(variance) + eps) * scale + shift"}),
    ("eps-on-top", {OUT: "(x - mean + eps) / torch.sqrt(variance) * scale + shift"}),
    ("eps-subtracted", {OUT: "(x - mean) / torch.sqrt(variance - eps) * scale + shift"}),
    ("eps-at-the-end", {OUT: "(x - mean) / torch.sqrt(variance) * scale + shift + eps"}),
    ("multiplied", {OUT: "(x - mean) * torch.sqrt(variance + eps) * scale + shift"}),
    ("no-scale", {OUT: "(x - mean) / torch.sqrt(variance + eps) + shift"}),
    ("no-shift", {OUT: "(x - mean) / torch.sqrt(variance + eps) * scale"}),
    ("not-scaled-not-shifted", {OUT: "(x - mean) / torch.sqrt(variance + eps)"}),
    ("shift-first", {OUT: "((x - mean) / torch.sqrt(variance + eps) + shift) * scale"}),
    ("scale-and-shift-swapped", {OUT: "(x - mean) / torch.sqrt(variance + eps) * shift + scale"}),
    ("scale-divides", {OUT: "(x - mean) / torch.sqrt(variance + eps) / scale + shift"}),
    ("scale-divides", {OUT: "(x - mean) / (torch.sqrt(variance + eps) * scale) + shift"}),
    ("shift-subtracted", {OUT: "(x - mean) / torch.sqrt(variance + eps) * scale - shift"}),
    ("scale-added", {OUT: "(x - mean) / torch.sqrt(variance + eps) + scale + shift"}),
    ("brackets", {OUT: "x - mean / torch.sqrt(variance + eps) * scale + shift"}),
    ("mean-added", {OUT: "(x + mean) / torch.sqrt(variance + eps) * scale + shift"}),
    ("only-centred", {OUT: "(x - mean) * scale + shift"}),
    ("variance-squared", {OUT: "(x - mean) / (variance + eps) ** 2 * scale + shift"}),
    ("import-math", {OUT: "(x - mean) / math.sqrt(variance + eps) * scale + shift"}),
    ("function-without-module", {OUT: "(x - mean) / sqrt(variance + eps) * scale + shift"}),
    ("name-not-known", {OUT: "(x - mean) / torch.sqrt(variance + eps) * gamma + beta"}),
    ("used-too-early", {OUT: "(x - mean) / torch.sqrt(out + eps) * scale + shift"}),
    (None, {OUT: "(x - mean) / torch.sqrt(variance + 1e-5) * scale + shift"}),
    (None, {OUT: "x"}),
    (None, {"return out": "pass"}),
    (None, "layer_norm = nn.LayerNorm"),
    # both at once: the first is named
    ("unbiased", {VARIANCE: "x.var(dim=-1, keepdim=True)", OUT: "(x - mean) / (torch.sqrt(variance) + eps) * scale + shift"}),
    ("not-centred", {VARIANCE: "(x**2).mean(dim=-1, keepdim=True)", OUT: "(x - mean) / torch.sqrt(variance + eps)"}),
]  # fmt: skip

RIGHT = [
    {VARIANCE: "x.var(dim=-1, keepdim=True, correction=0)"},
    {VARIANCE: "torch.var(x, -1, unbiased=False).unsqueeze(-1)"},
    {VARIANCE: "(x - mean).pow(2).sum(-1, keepdim=True) / x.shape[-1]"},
    {VARIANCE: "(x**2).mean(dim=-1, keepdim=True) - mean**2"},
    {VARIANCE: "x.std(dim=-1, keepdim=True, correction=0).square()"},
    {OUT: "(x - mean) * torch.rsqrt(variance + eps) * scale + shift"},
    {OUT: "scale * (x - mean) / (variance + eps) ** 0.5 + shift"},
    {OUT: "torch.addcmul(shift, (x - mean) / (variance + eps).sqrt(), scale)"},
    {OUT: "F.layer_norm(x, x.shape[-1:], scale, shift, eps)"},
    {"return out": "print('a print costs nothing')\n    return out"},
    """\
def layer_norm(x, scale, shift, eps=1e-5):
    norm = nn.LayerNorm(x.shape[-1], eps=eps)
    with torch.no_grad():
        norm.weight.copy_(scale)
        norm.bias.copy_(shift)
    return norm(x)
""",
]
