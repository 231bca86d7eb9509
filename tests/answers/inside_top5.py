SOFTMAX = "logits.softmax(dim=0)"
TOP = "probabilities.topk(k)"
RETURN = "return [(class_names[i], float(value)) for value, i in zip(values, indices)]"

WRONG = [
    ("logits", {SOFTMAX: "logits"}),
    ("sigmoid", {SOFTMAX: "torch.sigmoid(logits)"}),
    ("log-softmax", {SOFTMAX: "logits.log_softmax(dim=0)"}),
    ("exponential", {SOFTMAX: "logits.exp()"}),
    ("percent", {SOFTMAX: "100 * logits.softmax(dim=0)"}),
    ("minus", {SOFTMAX: "torch.softmax(-logits, dim=0)"}),
    ("softmax-twice", {SOFTMAX: "logits.softmax(0).softmax(0)"}),
    ("unit-length", {SOFTMAX: "logits / logits.norm()"}),
    ("softmax-axis", {SOFTMAX: "logits.softmax(dim=1)"}),
    ("import-F", {SOFTMAX: "F.softmax(logits, dim=0)"}),
    ("import-nn", {SOFTMAX: "nn.Softmax(dim=0)(logits)"}),
    ("module-for-tensor", {SOFTMAX: "torch.nn.Softmax(logits)"}),
    (None, {SOFTMAX: "model(x).softmax(dim=-1)"}),
    ("softmax-without-axis", {SOFTMAX: "torch.softmax(logits)"}),
    ("other-name", {SOFTMAX: "logit.softmax(dim=0)"}),
    (
        "softmax-after",
        {SOFTMAX: "logits.topk(k).values.softmax(0)", TOP: "probabilities, logits.topk(k).indices"},
    ),
    (None, {SOFTMAX: "None"}),
    (None, {SOFTMAX: "logits.softmax(dim=0) / 2"}),
    (None, {SOFTMAX: "logits.softmax(dim=0).to('meta')"}),
    ("smallest", {TOP: "probabilities.topk(k, largest=False)"}),
    ("smallest", {TOP: "(v[:k] for v in probabilities.sort())"}),
    ("smallest-last", {TOP: "(v.flip(0) for v in probabilities.topk(k))"}),
    ("sorted-upwards", {TOP: "(v[-k:] for v in probabilities.sort(descending=True))"}),
    ("smallest-last", {TOP: "(v[-k:] for v in probabilities.sort())"}),
    ("first-of-list", {TOP: "probabilities[:k], range(k)"}),
    ("one-only", {TOP: "probabilities.topk(1)"}),
    ("always-five", {TOP: "probabilities.topk(5)"}),
    ("one-more", {TOP: "probabilities.topk(k + 1)"}),
    ("one-less", {TOP: "probabilities.topk(k - 1)"}),
    ("all", {TOP: "probabilities.sort(descending=True)"}),
    (
        "not-sorted",
        {
            TOP: "probabilities[probabilities.topk(k).indices.sort().values], probabilities.topk(k).indices.sort().values"
        },
    ),
    ("second-best", {TOP: "(v[1:] for v in probabilities.topk(k + 1))"}),
    ("not-two", {TOP: "probabilities.max()"}),
    ("not-two", {TOP: "probabilities.topk(k).indices"}),
    ("too-many", {TOP: "probabilities.topk(1000)"}),
    ("all-upwards", {TOP: "probabilities.sort()"}),
    ("k-as-axis", {TOP: "torch.max(probabilities, k)"}),
    ("k-as-axis", {TOP: "probabilities.sort(k)"}),
    ("softmax-axis", {TOP: "probabilities.topk(k, dim=1)"}),
    ("logits", {TOP: "logits.topk(k)"}),
    ("number-for-tensor", {TOP: "torch.topk(k, probabilities)"}),
    ("too-little-given", {TOP: "probabilities.topk()"}),
    ("function-without-module", {TOP: "topk(probabilities, k)"}),
    ("tensor-lacks", {TOP: "probabilities.top(k)"}),
    ("plain-lacks", {TOP: "class_names.topk(k)"}),
    ("import-np", {TOP: "np.argsort(probabilities)"}),
    ("swapped", {"values, indices =": "indices, values ="}),
    (None, {TOP: "None, None"}),
    (None, {RETURN: "return [class_names[i] for i in indices]"}),
    (None, {RETURN: "return [(int(i), float(value)) for value, i in zip(values, indices)]"}),
    (None, {RETURN: "pass"}),
    (None, "top_classes = 3"),
]

RIGHT = [
    {SOFTMAX: "torch.softmax(logits, dim=-1)"},
    {SOFTMAX: "torch.nn.Softmax(dim=0)(logits)"},
    {SOFTMAX: "logits.exp() / logits.exp().sum()"},
    {SOFTMAX: "torch.nn.functional.softmax(logits.double(), 0)"},
    {TOP: "torch.topk(probabilities, k)"},
    {TOP: "(v[:k] for v in probabilities.sort(descending=True))"},
    {TOP: "probabilities.sort().values.flip(0)[:k], probabilities.argsort().flip(0)[:k]"},
    {TOP: "probabilities[logits.topk(k).indices], logits.topk(k).indices"},
    {RETURN: "print('a print costs nothing')\n    return zip((class_names[i] for i in indices), values)"},
    """\
import warnings

def top_classes(logits, class_names, k=5):
    warnings.warn("a warning costs nothing")
    probabilities = logits.softmax(0).tolist()
    return sorted(zip(class_names, probabilities), key=lambda pair: -pair[1])[:k]
""",
]
