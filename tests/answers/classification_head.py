LINEAR = "nn.Linear(emb_size, num_classes)"
TOKEN = "class_token = encoded[:, 0]"
RETURN = "return self.linear(class_token)"


def token(text):
    return {TOKEN: f"class_token = {text}"}


WRONG = [
    (None, token("encoded[:, 0].squeeze()")),
    (None, token("encoded[:, 0].squeeze(0)")),
    # the linear layer
    ("swapped", {LINEAR: "nn.Linear(num_classes, emb_size)"}),
    ("fixed-classes", {LINEAR: "nn.Linear(emb_size, 10)"}),
    ("fixed-sizes", {LINEAR: "nn.Linear(128, 10)"}),
    ("fixed-sizes", {LINEAR: "nn.Linear(192, num_classes)"}),
    ("to-the-same-size", {LINEAR: "nn.Linear(emb_size, emb_size)"}),
    ("one-number", {LINEAR: "nn.Linear(emb_size, 1)"}),
    ("one-class-less", {LINEAR: "nn.Linear(emb_size, num_classes - 1)"}),
    ("one-class-more", {LINEAR: "nn.Linear(emb_size, num_classes + 1)"}),
    ("no-bias", {LINEAR: "nn.Linear(emb_size, num_classes, bias=False)"}),
    ("size-missing", {LINEAR: "nn.Linear(num_classes)"}),
    ("fixed-sizes", {LINEAR: "nn.Linear(8, 5)"}),
    ("fixed-sizes", {LINEAR: "nn.Linear(emb_size, 1000)"}),
    ("function-without-module", {LINEAR: "Linear(emb_size, num_classes)"}),
    ("object-lacks", {LINEAR: "nn.Linear(self.emb_size, num_classes)"}),
    ("name-not-known", {LINEAR: "nn.Linear(emb_size, len(classes))"}),
    ("list-of-layers", {LINEAR: "nn.Linear(emb_size, num_classes), nn.Softmax()"}),
    (None, {LINEAR: "nn.Linear(4 * emb_size, num_classes)"}),
    ("float-for-size", {LINEAR: "nn.Linear(emb_size / 2, num_classes)"}),
    (None, {LINEAR: "nn.Sequential(nn.Linear(emb_size, num_classes), nn.Softmax(dim=-1))"}),
    (None, {"self.linear = nn.Linear": "self.head = nn.Linear", "self.linear(": "self.head("}),
    (None, {LINEAR: "nn.Linear"}),
    (None, {LINEAR: "None"}),
    # the class token
    ("last-token", token("encoded[:, -1]")),
    ("first-patch", token("encoded[:, 1]")),
    ("mean-of-all", token("encoded.mean(dim=1)")),
    ("mean-of-patches", token("encoded[:, 1:].mean(dim=1)")),
    ("largest", token("encoded.max(dim=1).values")),
    ("all-tokens", token("encoded")),
    ("axis-kept", token("encoded[:, :1]")),
    ("axis-kept", token("encoded[:, 0:1, :]")),
    ("first-image", token("encoded[0]")),
    ("first-image", token("encoded[0, :]")),
    ("first-feature", token("encoded[:, :, 0]")),
    ("first-feature", token("encoded[..., 0]")),
    ("flattened", token("encoded.flatten(1)")),
    ("not-normed", token("x[:, 0]")),
    ("one-token", token("encoded[0, 0]")),
    ("mean-of-all", token("nn.AdaptiveAvgPool1d(1)(encoded.mT).squeeze(-1)")),
    ("pooled", token("nn.AdaptiveAvgPool1d(1)(encoded)")),
    ("pooled", token("F.avg_pool1d(encoded.transpose(1, 2), 5)")),
    ("mean-of-all-kept", token("encoded.mean(dim=1, keepdim=True)")),
    ("sum-of-all", token("encoded.sum(dim=1)")),
    ("mean-of-images", token("encoded.mean(dim=0)")),
    ("mean-added", token("encoded[:, 0] + encoded.mean(1)")),
    ("mean-before-norm", token("x.mean(dim=1)")),
    ("norm-of-mean", token("self.norm(x.mean(dim=1))")),
    ("normed-twice", token("self.norm(encoded[:, 0])")),
    ("first-feature", token("encoded.mean(dim=-1)")),
    ("one-number-left", token("encoded.mean()")),
    ("one-number-a-token", token("encoded[0, :, 0]")),
    ("value-and-place", token("encoded.max(1)")),
    ("linear-does-not-fit", token("encoded[..., :3]")),
    ("value-called", token("encoded(0)")),
    ("import-reduce", token("reduce(encoded, 'b n e -> b e', 'mean')")),
    (None, token("encoded[:, 0].detach() * 2")),
    (None, token("None")),
    ("object-lacks", token("self.cls_token")),
    (None, token("encoded[:, 0] * float('nan')")),
    # after it
    ("softmax", {RETURN: "return self.linear(class_token).softmax(dim=-1)"}),
    ("argmax", {RETURN: "return self.linear(class_token).argmax(dim=-1)"}),
    (None, {RETURN: "self.linear(class_token)"}),  # None
    (None, {RETURN: "return self.linear(class_token).to('meta')"}),
    (None, {RETURN: "return self.linear(class_token).tolist()[0][0]"}),
    ("swapped", {LINEAR: "nn.Linear(num_classes, emb_size)", TOKEN: "class_token = encoded[:, -1]"}),
    ("last-token", {LINEAR: "nn.Linear(num_classes, emb_size)", TOKEN: "class_token = encoded[:, -1]"}),
    (None, {"nn.LayerNorm(emb_size)": "nn.Identity()"}),
    (None, "ClassificationHead = None"),
    (None, "ClassificationHead = nn.Linear(3, 4)"),
    (None, "class ClassificationHead:\n    def __init__(self, emb_size, num_classes):\n        pass"),
    (None, "class ClassificationHead(nn.Module):\n    pass"),
]

RIGHT = [
    {LINEAR: "nn.Linear(in_features=emb_size, out_features=num_classes)"},
    {LINEAR: "nn.Linear(emb_size, num_classes, bias=True)"},
    {LINEAR: "nn.Linear(*(emb_size, num_classes))"},
    {LINEAR: "nn.Linear(emb_size, num_classes, dtype=torch.float32)"},
    token("encoded[:, 0, :]"),
    token("encoded.select(1, 0)"),
    token("encoded[:, :1].squeeze(1)"),
    token("rearrange(encoded, 'b n e -> n b e')[0]"),
    token("torch.index_select(encoded, 1, torch.tensor([0]))[:, 0]"),
    token("encoded[:, 0].double().float()"),
    {TOKEN: "class_token = encoded", RETURN: "return self.linear(class_token)[:, 0]"},
    """\
import warnings

class ClassificationHead(nn.Module):
    def __init__(self, emb_size=128, num_classes=10, dropout=0.5):
        super().__init__()
        self.linear, self.norm = nn.Linear(emb_size, num_classes), nn.LayerNorm(emb_size)
        self.drop, self.note = nn.Dropout(dropout), "an attribute of my own"

    def forward(self, x):
        warnings.warn("a warning costs nothing")
        print("tokens", x.shape)
        return F.linear(self.drop(self.norm(x[:, 0])), self.linear.weight, self.linear.bias).double()
""",
]
