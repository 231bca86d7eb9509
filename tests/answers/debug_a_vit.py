SHARES = "shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-1)"
JOINED = "x = torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=1)"
ADDED = "x = x + positions"
ORDER = "order = torch.randperm(len(labels))"
PAIRS = "pairs = images[order], labels[order]"
EVAL = "vit.eval()  # blank: share = ..."
SHARE = "share = (vit(images).argmax(dim=1) == labels).float().mean()"
TRAIN = "vit.train()"


def attend(text):
    return {SHARES: text}


def tokens(first, then="pass"):
    return {JOINED: first, ADDED: then}


def shuffled(first, then="pass"):
    return {ORDER: first, PAIRS: then}


def accuracy(first, share=SHARE, last=TRAIN):
    return {EVAL: first, SHARE: share, f"{TRAIN}  # blank": last}


WRONG = [
    # attend
    ("columns", attend("shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-2)")),
    ("columns", attend("shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=2)")),
    ("over-heads", attend("shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=1)")),
    ("over-batch", attend("shares = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=0)")),
    ("unscaled", attend("shares = (q @ k.mT).softmax(dim=-1)")),
    ("no-softmax", attend("shares = q @ k.mT / q.shape[-1] ** 0.5")),
    ("shares-only", {"answers = shares @ v": "answers = shares", SHARES: SHARES}),
    ("keys-ask", attend("shares = (k @ q.mT / q.shape[-1] ** 0.5).softmax(dim=-1)")),
    ("axis-not-there", attend("shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=4)")),
    ("name-not-known", attend("shares = scores.softmax(dim=-1)")),
    (None, attend("shares = (q @ k.mT / q.shape[1] ** 0.5).softmax(dim=-1)")),
    (None, attend("shares = (q @ k.mT).softmax(dim=-1) / q.shape[-1] ** 0.5")),
    # tokens
    ("twice", tokens("patches = patches + positions[:, 1:]", f"{JOINED} + positions")),
    ("all-twice", tokens(JOINED, "x = x + 2 * positions")),
    ("no-positions", tokens(JOINED)),
    ("token-without", tokens("patches = patches + positions[:, 1:]", JOINED)),
    ("token-only", tokens("class_token = class_token + positions[:, :1]", JOINED)),
    ("no-token", tokens("x = patches + positions[:, 1:]")),
    (
        "token-last",
        tokens("x = torch.cat([patches, class_token.expand(len(patches), -1, -1)], dim=1)", ADDED),
    ),
    ("positions-too-many", tokens("x = patches + positions")),
    ("not-expanded", tokens("x = torch.cat([class_token, patches], dim=1)", ADDED)),
    (
        "joined-without-list",
        tokens("x = torch.cat(class_token.expand(len(patches), -1, -1), patches, dim=1)", ADDED),
    ),
    (None, tokens(JOINED, "x = x - positions")),
    (None, tokens("x = torch.cat([class_token.expand(len(patches), -1, -1), patches], dim=2)")),
    # shuffled
    (
        "torn-apart",
        shuffled("pairs = images[torch.randperm(len(images))], labels[torch.randperm(len(labels))]"),
    ),
    ("torn-apart", shuffled(ORDER, "pairs = images[order], labels")),
    ("not-shuffled", shuffled("pairs = images, labels")),
    ("not-shuffled", shuffled("order = torch.arange(len(labels))", PAIRS)),
    ("labels-alone", shuffled(ORDER, "pairs = images, labels[order]")),
    ("sampled", shuffled("order = torch.randint(len(labels), (len(labels),))", PAIRS)),
    ("some-lost", shuffled("order = torch.randperm(len(labels))[:20]", PAIRS)),
    (
        "always-the-same",
        shuffled("order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))", PAIRS),
    ),
    ("always-the-same", shuffled("order = torch.arange(len(labels)).flip(0)", PAIRS)),
    (None, shuffled(ORDER, "pairs = labels[order], images[order]")),
    (None, shuffled(ORDER, "pairs = images[order]")),
    (None, shuffled(ORDER, "pairs = images[order], labels[order.flip(0)]")),
    # accuracy
    ("left-in-eval", accuracy("vit.eval()", last="pass")),
    ("left-in-eval", accuracy("vit.train(False)", last="vit.train(False)")),
    ("left-in-eval", accuracy("vit.eval()", last="vit.train")),
    ("dropout-on", accuracy("vit.train()")),
    ("dropout-on", accuracy("pass")),
    ("dropout-on", accuracy("vit.eval")),
    ("percent", accuracy("vit.eval()", "share = 100 * (vit(images).argmax(dim=1) == labels).float().mean()")),
    ("counted", accuracy("vit.eval()", "share = (vit(images).argmax(dim=1) == labels).sum()")),
    ("wrong-ones", accuracy("vit.eval()", "share = (vit(images).argmax(dim=1) != labels).float().mean()")),
    ("name-not-known", accuracy("model.eval()")),
    (None, accuracy("vit.eval()", "share = (vit(images).argmax(dim=1) == labels).float()")),
    (None, accuracy("vit.eval()", "share = F.cross_entropy(vit(images), labels)")),
    # two at once, and what was given, changed
    (
        "columns",
        {
            **attend("shares = (q @ k.mT / q.shape[-1] ** 0.5).softmax(dim=-2)"),
            **accuracy("vit.eval()", last="pass"),
        },
    ),
    (None, "Mended = 3\n"),
    (None, "class Mended:\n    pass\n"),
]

RIGHT = [
    {SHARES: "answers = F.scaled_dot_product_attention(q, k, v)", "answers = shares @ v": "pass"},
    attend("shares = torch.softmax(torch.einsum('bhqd, bhkd -> bhqk', q, k) / q.shape[-1] ** 0.5, dim=3)"),
    attend(
        "scores = q @ k.mT\n        shares = F.softmax(scores / scores.new_tensor(q.shape[-1]).sqrt(), dim=-1)"
    ),
    attend("shares = (k @ q.mT / q.shape[-1] ** 0.5).softmax(dim=-2).mT"),
    tokens("x = torch.hstack([class_token.expand(len(patches), -1, -1), patches]) + positions"),
    tokens("x = torch.cat([class_token.repeat(len(patches), 1, 1), patches], dim=1)", "x = positions + x"),
    tokens(
        "x = F.pad(patches, (0, 0, 1, 0)) + positions",
        "x = torch.cat([x[:, :1] + class_token, x[:, 1:]], dim=1)",
    ),
    tokens(
        "first = (class_token + positions[:, :1]).expand(len(patches), -1, -1)",
        "x = torch.cat([first, patches + positions[:, 1:]], dim=1)",
    ),
    shuffled("order = torch.rand(len(labels)).argsort()", PAIRS),
    shuffled("order = torch.randperm(len(images))", "pairs = (images.index_select(0, order), labels[order])"),
    shuffled(
        "order = torch.multinomial(torch.ones(len(labels)), len(labels))",
        "pairs = [images[order], labels[order]]",
    ),
    shuffled("import random\n        order = random.sample(range(len(labels)), len(labels))", PAIRS),
    accuracy("vit.train(False)", last="vit.train(True)"),
    accuracy("vit.eval()", "share = (vit(images).max(dim=1).indices == labels).sum() / len(labels)"),
    accuracy(
        "before = vit.training\n        vit.eval()",
        "share = float((vit(images).argmax(dim=-1) == labels).float().mean())",
        "vit.train(before)",
    ),
    accuracy(
        "logits = vit.eval()(images)\n        vit.train()",
        "share = (logits.argmax(dim=1) == labels).double().mean().item()",
        "pass",
    ),
]
