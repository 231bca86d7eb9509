PATCH = 'rearrange(tensor, "d c p1 p2 -> d (p1 p2 c)")'
SPLIT = "tensor.chunk(3)"
EPS = "model.norm.eps"
NAMES = "queries, keys, values ="
RETURN = "return mine, eps"

WRONG = [
    ("channels-first", {PATCH: "tensor.flatten(1)"}),
    ("channels-first", {PATCH: "tensor.reshape(len(tensor), -1)"}),
    ("rows-and-columns-swapped", {PATCH: 'rearrange(tensor, "d c p1 p2 -> d (p2 p1 c)")'}),
    ("channels-first-swapped", {PATCH: 'rearrange(tensor, "d c p1 p2 -> d (c p2 p1)")'}),
    ("channels-between", {PATCH: 'rearrange(tensor, "d c p1 p2 -> d (p1 c p2)")'}),
    ("channels-between-swapped", {PATCH: 'rearrange(tensor, "d c p1 p2 -> d (p2 c p1)")'}),
    ("patch-transposed", {PATCH: 'rearrange(tensor, "d c p1 p2 -> (p1 p2 c) d")'}),
    ("not-flattened", {PATCH: "tensor"}),
    ("not-flattened-moved", {PATCH: 'rearrange(tensor, "d c p1 p2 -> d p1 p2 c")'}),
    ("pattern-not-read", {PATCH: 'rearrange(tensor, "d c p1 p2 -> d (p1 p2)")'}),
    (None, {PATCH: "None"}),
    (None, {PATCH: "2 * tensor.movedim(1, -1).flatten(1)"}),
    (None, {PATCH: "tensor.movedim(1, -1).flatten(1).to('meta')"}),
    ("keys-first", {NAMES: "keys, queries, values ="}),
    ("reversed", {NAMES: "values, keys, queries ="}),
    ("values-last-swapped", {NAMES: "queries, values, keys ="}),
    ("every-third-row", {SPLIT: "tensor[0::3], tensor[1::3], tensor[2::3]"}),
    ("transposed", {SPLIT: "(part.t() for part in tensor.chunk(3))"}),
    ("same-three-times", {SPLIT: "[tensor[: len(tensor) // 3]] * 3"}),
    ("packed-three-times", {SPLIT: "tensor, tensor, tensor"}),
    (
        "by-head",
        {
            SPLIT: 'rearrange(tensor, "(h three d) ... -> three (h d) ...", three=3, h=model.blocks[0].attn.num_heads)'
        },
    ),
    ("cut-across", {SPLIT: "tensor.chunk(3, dim=1)"}),
    ("bias-forgotten", {SPLIT: 'rearrange(tensor, "(three d) e -> three d e", three=3)'}),
    ("too-few", {SPLIT: "tensor"}),
    ("too-few", {SPLIT: "tensor.chunk(2)"}),
    ("other-name", {SPLIT: "weight.chunk(3)"}),
    (None, {SPLIT: "None, None, None"}),
    (None, {SPLIT: "(part / 2 for part in tensor.chunk(3))"}),
    ("torch-default", {EPS: "1e-5"}),
    ("bert-eps", {EPS: "1e-12"}),
    ("eps-1e-8", {EPS: "1e-8"}),
    ("exponent", {EPS: "-6"}),
    ("exponent", {EPS: "0"}),
    ("million", {EPS: "1e6"}),
    ("eps-thousandth", {EPS: "0.001"}),
    ("no-eps-there", {EPS: "model.eps"}),
    ("other-name", {EPS: "timm_model.norm.eps"}),
    (None, {EPS: "1e-4"}),
    (None, {EPS: "None"}),
    (None, {EPS: "'1e-6'"}),
    (None, {RETURN: "return mine"}),
    (None, {RETURN: "pass"}),
    (None, {"mine[name.replace": "mine[name.lower"}),
    (None, "convert = 3"),
]

RIGHT = [
    {PATCH: "tensor.permute(0, 2, 3, 1).reshape(len(tensor), -1)"},
    {PATCH: "tensor.movedim(1, -1).flatten(1)"},
    {PATCH: "torch.einsum('dcij->dijc', tensor).flatten(start_dim=1).double()"},
    {PATCH: "torch.stack([kernel.permute(1, 2, 0).flatten() for kernel in tensor])"},
    {SPLIT: "tensor.split(len(tensor) // 3)"},
    {SPLIT: "tensor.reshape(3, -1, *tensor.shape[1:])"},
    {SPLIT: 'rearrange(tensor, "(three d) ... -> three d ...", three=3)'},
    {SPLIT: "(tensor[i * model.embed_dim : (i + 1) * model.embed_dim] for i in range(3))"},
    {EPS: "1e-6"},
    {EPS: "0.000001"},
    {EPS: "model.blocks[0].norm1.eps"},
    {EPS: "torch.tensor(1e-6)"},
    {
        RETURN: "import warnings\n    warnings.warn('a warning costs nothing')\n    print('nor does a print')\n    return [mine, eps]"
    },
]
