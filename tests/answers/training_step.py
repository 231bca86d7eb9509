def step(*lines, end="return loss.item()", before=""):
    body = "".join(f"    {line}\n" for line in (*lines, end))
    return f"{before}def training_step(model, images, labels, optimizer):\n{body}"


LOSS = "loss = F.cross_entropy(model(images), labels)"
ZERO, BACK, STEP = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"
UPDATE = (ZERO, BACK, STEP)

WRONG = [
    ("softmax-twice", step("loss = F.cross_entropy(model(images).softmax(dim=1), labels)", *UPDATE)),
    (
        "softmax-twice",
        step("loss = nn.CrossEntropyLoss()(nn.Softmax(dim=-1)(model(images)), labels)", *UPDATE),
    ),
    ("not-negated-log", step("loss = F.nll_loss(model(images), labels)", *UPDATE)),
    ("summed", step("loss = F.cross_entropy(model(images), labels, reduction='sum')", *UPDATE)),
    ("minus", step("loss = -F.cross_entropy(model(images), labels)", *UPDATE)),
    ("smoothed", step("loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)", *UPDATE)),
    ("no-step", step(LOSS, ZERO, BACK)),
    ("no-step", step(LOSS, ZERO, STEP, BACK)),
    ("no-step", step(LOSS, ZERO, BACK, "optimizer.step")),
    ("no-gradient", step(LOSS, BACK, ZERO, STEP)),
    ("no-gradient", step(LOSS, ZERO, STEP)),
    ("no-gradient", step(LOSS, ZERO, "loss.backward", STEP)),
    ("no-gradient", step(LOSS)),
    ("step-too-early", step(LOSS, STEP, ZERO, BACK)),
    ("a-batch-late", step(STEP, ZERO, LOSS, BACK)),
    ("accumulated", step(LOSS, BACK, STEP)),
    ("accumulated", step(LOSS, "optimizer.zero_grad", BACK, STEP)),
    ("step-twice", step(LOSS, *UPDATE, STEP)),
    ("uphill", step(LOSS, ZERO, "(-loss).backward()", STEP)),
    ("no-graph", step("with torch.no_grad():", f"    {LOSS}", *UPDATE)),
    ("no-graph", step("loss = F.cross_entropy(model(images).detach(), labels)", *UPDATE)),
    ("not-reduced", step("loss = F.cross_entropy(model(images), labels, reduction='none')", *UPDATE)),
    ("backward-twice", step(LOSS, ZERO, BACK, BACK, STEP)),
    ("labels-first", step("loss = F.cross_entropy(labels, model(images))", *UPDATE)),
    ("gradient-of-model", step("loss = F.cross_entropy(model(images), labels).item()", *UPDATE)),
    ("gradient-of-model", step(LOSS, ZERO, "model.backward()", STEP)),
    ("optimizer-of-model", step(LOSS, ZERO, BACK, "model.step()")),
    ("british", step(LOSS, "optimiser.zero_grad()", BACK, STEP)),
    ("too-much-given", step("loss = F.cross_entropy(model(images, labels), labels)", *UPDATE)),
    ("name-not-known", step("loss = cross_entropy(model(images), labels)", *UPDATE)),
    ("used-too-early", step(ZERO, BACK, STEP, LOSS)),
    ("module-for-tensor", step("loss = F.cross_entropy(model, labels)", *UPDATE)),
    (
        None,
        step("loss = F.mse_loss(model(images), F.one_hot(labels, model(images).shape[1]).float())", *UPDATE),
    ),
    (None, step(LOSS, *UPDATE, end="return model")),
    (None, step(LOSS, *UPDATE, end="pass")),
    (None, step(LOSS, *UPDATE, end="return F.cross_entropy(model(images), labels, reduction='none')")),
    (None, step(LOSS, *UPDATE, end="return F.cross_entropy(model(images), labels).item()")),
    (None, step(LOSS, "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)", *UPDATE)),
    (None, step(LOSS, *UPDATE, "for p in model.parameters():", "    p.data.mul_(0.9)")),
    (None, "training_step = 3\n"),
]

RIGHT = [
    step(LOSS, BACK, STEP, ZERO),  # the gradients are zero when the next step begins
    step(ZERO, "logits = model(images)", "loss = F.cross_entropy(logits, labels)", BACK, STEP),
    step(LOSS, "model.zero_grad()", BACK, STEP),
    step(
        "loss = nn.CrossEntropyLoss()(model(images), labels)",
        "optimizer.zero_grad(set_to_none=False)",
        BACK,
        STEP,
    ),
    step("loss = F.nll_loss(model(images).log_softmax(dim=1), labels)", *UPDATE, end="return loss.detach()"),
    step("log = model(images).log_softmax(dim=1)", "loss = -log[range(len(labels)), labels].mean()", *UPDATE),
    step("for p in model.parameters():", "    p.grad = None", LOSS, BACK, STEP),
    step(
        "def closure():",
        f"    {ZERO}",
        f"    {LOSS}",
        f"    {BACK}",
        "    return loss",
        "loss = optimizer.step(closure)",
    ),
    step("model.train()", LOSS, *UPDATE, "print('a print costs nothing')", end="return float(loss.detach())"),
    step(LOSS, *UPDATE, end="return loss"),
]
