PATTERN = '"b n (t h d) -> t b h n d"'
CALL = 'rearrange(qkv, "b n (t h d) -> t b h n d", t=3, h=num_heads)'
RETURN = "return q, k, v"

WRONG = [
    ("h-three-d", {PATTERN: '"b n (h t d) -> t b h n d"'}),
    ("h-d-three", {PATTERN: '"b n (h d t) -> t b h n d"'}),
    ("d-h-three", {PATTERN: '"b n (d h t) -> t b h n d"'}),
    ("three-d-h", {PATTERN: '"b n (t d h) -> t b h n d"'}),
    ("d-three-h", {PATTERN: '"b n (d t h) -> t b h n d"'}),
    ("tokens-before-heads", {PATTERN: '"b n (t h d) -> t b n h d"'}),
    ("heads-first", {PATTERN: '"b n (t h d) -> t h b n d"'}),
    ("numbers-before-tokens", {PATTERN: '"b n (t h d) -> t b h d n"'}),
    ("not-split-in-heads", {CALL: "qkv.chunk(3, dim=-1)"}),
    ("one-head-axis", {CALL: 'rearrange(qkv, "b n (t d) -> t b 1 n d", t=3)'}),
    ("reshaped", {CALL: "qkv.reshape(3, len(qkv), num_heads, qkv.shape[1], -1)"}),
    ("keys-and-queries-swapped", {"q, k, v = ": "k, q, v = "}),
    ("reversed", {"q, k, v = ": "v, k, q = "}),
    ("same-three-times", {RETURN: "return q, q, q"}),
    ("too-few", {PATTERN: '"b n (t h d) -> b t h n d"'}),
    ("too-few", {CALL: "qkv"}),
    ("brackets-missing", {PATTERN: '"b n t h d -> t b h n d"'}),
    ("names-differ", {PATTERN: '"b n (t h d) -> t b h n"'}),
    ("names-differ", {PATTERN: '"b n (three h d) -> three b h n d"'}),
    ("no-arrow", {PATTERN: '"b n (t h d)"'}),
    ("pattern-not-read", {PATTERN: '"b n (t h d -> t b h n d"'}),
    ("shape-impossible", {CALL: "qkv.reshape(*qkv.shape[:2], 3, num_heads, 64).permute(2, 0, 3, 1, 4)"}),
    ("other-name", {CALL: 'rearrange(packed, "b n (t h d) -> t b h n d", t=3, h=num_heads)'}),
    (None, {CALL: "None, None, None"}),
    (None, {CALL: f"2 * {CALL}"}),
    (None, {CALL: f"{CALL}.to('meta')"}),
    (None, {RETURN: "return q, k"}),
    (None, {RETURN: "pass"}),
    (None, "split_qkv = 3"),
]

RIGHT = [
    {PATTERN: '"batch token (t h dim) -> t batch h token dim"'},
    {CALL: "qkv.reshape(*qkv.shape[:2], 3, num_heads, -1).permute(2, 0, 3, 1, 4)"},
    {CALL: "qkv.unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)"},
    {CALL: "(part.unflatten(-1, (num_heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))"},
    {CALL: '[rearrange(p, "b n (h d) -> b h n d", h=num_heads) for p in qkv.split(qkv.shape[-1] // 3, -1)]'},
    {RETURN: "print('a print costs nothing')\n    return [q.double(), k.numpy(), v]"},
    {RETURN: "return torch.stack([q, k, v])"},
]
