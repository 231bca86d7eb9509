BETTER = "improved = loss < self.best"
WAITED = "self.waited = 0 if improved else self.waited + 1"
STOP = "stop = self.waited >= self.patience"
RETURN = "return improved, stop"


def better(text):
    return {BETTER: f"improved = {text}"}


def waited(text):
    return {WAITED: f"self.waited = {text}"}


def stop(text):
    return {STOP: f"stop = {text}"}


WRONG = [
    ("small-gains-lost", better("loss < self.best - 1e-3")),
    ("small-gains-lost", better("self.best - loss > 0.001")),
    ("equal-counts", better("loss <= self.best")),
    ("equal-counts", better("not loss > self.best")),
    ("higher-is-better", better("loss > self.best")),
    ("never", better("False")),
    ("never", better("loss < 0")),
    ("always", better("True")),
    ("always", better("loss < float('inf')")),
    ("not-improved", better("loss >= self.best")),
    ("equal-to-best", better("loss == self.best")),
    ("without-self", better("loss < best")),
    ("other-name", better("loss < self.lowest")),
    ("not-a-flag", better("loss")),
    ("not-a-flag", better("self.best - loss")),
    (
        "previous-epoch",
        {
            BETTER: BETTER.replace("best", "last"),
            "self.best = min(self.best, loss)": "self.last = loss",
            "self.best = float": "self.last = float",
        },
    ),
    (None, better("loss < self.best - 0.2")),
    (None, better("None")),
    ("never-reset", waited("self.waited + (not improved)")),
    ("never-reset", waited("self.waited if improved else self.waited + 1")),
    ("counts-epochs", waited("self.waited + 1")),
    ("counts-improvements", waited("self.waited + 1 if improved else self.waited")),
    ("roles-swapped", waited("self.waited + 1 if improved else 0")),
    ("one-only", waited("0 if improved else 1")),
    ("one-only", waited("not improved")),
    ("stays-zero", waited("0")),
    ("counts-down", waited("0 if improved else self.waited - 1")),
    ("without-self", waited("0 if improved else waited + 1")),
    ("count-is-none", {WAITED: "self.waited = None if improved else self.waited + 1"}),
    (None, waited("0 if improved else self.waited + 2")),
    (None, waited("'a while'")),
    ("one-epoch-late", stop("self.waited > self.patience")),
    ("one-epoch-early", stop("self.waited >= self.patience - 1")),
    ("one-epoch-early", stop("self.waited + 1 >= self.patience")),
    ("at-once", stop("not improved")),
    ("at-once", stop("self.waited >= 1")),
    ("upside-down", stop("self.waited < self.patience")),
    ("upside-down-with-equal", stop("self.waited <= self.patience")),
    ("only-once", stop("self.waited == self.patience")),
    ("never-stops", stop("False")),
    ("stops-always", stop("True")),
    ("stops-when-improved", stop("improved")),
    ("without-self", stop("waited >= patience")),
    ("other-name", stop("self.wait >= self.patience")),
    ("not-a-flag", stop("self.patience - self.waited")),
    (None, stop("loss >= self.patience")),
    (None, stop("None")),
    # two at once, each named
    ("equal-counts", {**better("loss <= self.best"), **stop("self.waited > self.patience")}),
    ("higher-is-better", {**better("loss > self.best"), **stop("self.waited > self.patience")}),
    # what was given, changed
    (None, {RETURN: "return stop"}),
    (None, {RETURN: "pass"}),
    (None, {RETURN: "return stop, improved"}),
    (None, "EarlyStopping = 3\n"),
    (None, "def EarlyStopping(patience):\n    return None\n"),
]

RIGHT = [
    better("self.best > loss"),
    better("not loss >= self.best"),
    better("min(loss, self.best) != self.best"),
    better("bool(loss - self.best < 0)"),
    better("torch.tensor(loss) < self.best"),
    waited("(self.waited + 1) * (not improved)"),
    {WAITED: "self.waited += 1\n        if improved:\n            self.waited = 0"},
    {WAITED: "if improved:\n            self.waited = 0\n        else:\n            self.waited += 1"},
    waited("self.waited + 1 if not improved else 0"),
    waited("[self.waited + 1, 0][improved]"),
    stop("self.patience <= self.waited"),
    stop("not self.waited < self.patience"),
    stop("self.waited > self.patience - 1"),
    stop("bool(self.waited // self.patience)"),
    stop("int(self.waited >= self.patience)"),
    {RETURN: "print('a print costs nothing')\n        return [improved, stop]"},
    """\
class EarlyStopping:
    def __init__(self, patience):
        self.patience, self.losses = patience, []

    def step(self, loss):
        improved = all(loss < other for other in self.losses)
        self.losses.append(loss)
        best = self.losses.index(min(self.losses))
        return improved, len(self.losses) - 1 - best >= self.patience
""",
]
