DENOMINATOR = "np.power(n, 2 * i / d)"
SINE = "np.sin(k / denominator)"
COSINE = "np.cos(k / denominator)"
RETURN = "    return P"

WRONG = [
    ("exponent-i-over-d", {DENOMINATOR: "n ** (i / d)"}),
    ("exponent-without-d", {DENOMINATOR: "n ** (2 * i)"}),
    ("exponent-next-pair", {DENOMINATOR: "n ** (2 * (i + 1) / d)"}),
    ("exponent-odd", {DENOMINATOR: "n ** ((2 * i + 1) / d)"}),
    ("exponent-position", {DENOMINATOR: "n ** (2 * k / d)"}),
    ("exponent-constant", {DENOMINATOR: "n ** (2 / d)"}),
    ("exponent-half-d", {DENOMINATOR: "n ** (2 * i / (d / 2))"}),
    ("n-fixed", {DENOMINATOR: "10000 ** (2 * i / d)"}),
    ("n-times-exponent", {DENOMINATOR: "n * (2 * i / d)"}),
    ("multiplied", {DENOMINATOR: "n ** (-2 * i / d)"}),
    ("no-denominator", {DENOMINATOR: "n ** (2 * i // d)"}),
    ("caret", {DENOMINATOR: "n ^ (2 * i / d)"}),
    ("n-and-d-swapped", {DENOMINATOR: "d ** (2 * i / n)"}),
    ("n-squared", {DENOMINATOR: "n ** 2 * i / d"}),
    ("d-below", {DENOMINATOR: "n ** (2 * i) / d"}),
    ("exponent-of-columns", {DENOMINATOR: "n ** (2 * (i // 2) / d)"}),
    ("exponent-one", {DENOMINATOR: "n"}),
    ("n-missing", {DENOMINATOR: "2 * i / d"}),
    ("n-missing-half", {DENOMINATOR: "i / d"}),
    ("n-missing-columns", {DENOMINATOR: "2 * (i // 2) / d"}),
    ("base-e", {DENOMINATOR: "np.exp(2 * i / d)"}),
    ("n-fixed-half", {DENOMINATOR: "10000 ** (i / d)"}),
    ("times-position", {DENOMINATOR: "n ** (2 * i / d) * k"}),
    ("n-squared", {DENOMINATOR: "n ** 2 * int(i) / d"}),
    ("name-unknown", {DENOMINATOR: "base ** (2 * i / d)"}),
    ("name-unknown", {DENOMINATOR: "n ** (2 * pos / d)"}),
    ("import-numpy", {DENOMINATOR: "numpy.power(n, 2 * i / d)"}),
    ("import-math", {DENOMINATOR: "math.pow(n, 2 * i / d)"}),
    ("number-for-tensor", {DENOMINATOR: "torch.pow(n, 2 * i / d)"}),
    ("value-called", {DENOMINATOR: "n(2 * i / d)"}),
    (None, {DENOMINATOR: "n ** (3 * i / d)"}),
    (None, {DENOMINATOR: "0 * i"}),
    ("cosine-twice", {SINE: "np.cos(k / denominator)"}),
    ("sine-no-denominator", {SINE: "np.sin(k)"}),
    ("sine-multiplied", {SINE: "np.sin(k * denominator)"}),
    ("sine-divided-outside", {SINE: "np.sin(k) / denominator"}),
    ("sine-pair-index", {SINE: "np.sin(i / denominator)"}),
    ("sine-position-from-one", {SINE: "np.sin((k + 1) / denominator)"}),
    ("sine-minus", {SINE: "-np.sin(k / denominator)"}),
    ("sine-angle-only", {SINE: "k / denominator"}),
    ("sine-tangent", {SINE: "np.tan(k / denominator)"}),
    ("sine-degrees", {SINE: "np.sin(np.radians(k / denominator))"}),
    ("sine-two-pi", {SINE: "np.sin(2 * np.pi * k / denominator)"}),
    ("sine-half-exponent", {SINE: "np.sin(k / n ** (i / d))"}),
    ("sine-exponent-only", {SINE: "np.sin(2 * i / d)"}),
    ("sine-column", {SINE: "np.sin(2 * i / denominator)"}),
    ("sine-denominator-alone", {SINE: "np.sin(denominator)"}),
    ("sine-denominator-plus-one", {SINE: "np.sin(k / (denominator + 1))"}),
    ("sine-turned-over", {SINE: "np.sin(denominator / k)"}),
    ("two-arguments", {SINE: "np.sin(k, denominator)"}),
    ("name-unknown", {SINE: "np.sin(pos / denominator)"}),
    ("name-unknown", {SINE: "np.sin(k / denom)"}),
    ("function-without-module", {SINE: "sin(k / denominator)"}),
    ("import-math", {SINE: "math.sin(k / denominator)"}),
    ("number-for-tensor", {SINE: "torch.sin(k / denominator)"}),
    ("never-called-itself", {SINE: "np.sin * (k / denominator)"}),
    (None, {SINE: "np.sinh(k / denominator)"}),
    ("sine-twice", {COSINE: "np.sin(k / denominator)"}),
    ("cosine-no-denominator", {COSINE: "np.cos(k)"}),
    ("cosine-multiplied", {COSINE: "np.cos(k * denominator)"}),
    ("cosine-divided-outside", {COSINE: "np.cos(k) / denominator"}),
    ("cosine-pair-index", {COSINE: "np.cos(i / denominator)"}),
    ("cosine-position-from-one", {COSINE: "np.cos((k + 1) / denominator)"}),
    ("cosine-minus", {COSINE: "-np.cos(k / denominator)"}),
    ("cosine-angle-only", {COSINE: "k / denominator"}),
    ("cosine-degrees", {COSINE: "np.cos(np.radians(k / denominator))"}),
    ("cosine-position-squared", {COSINE: "np.cos(k * k / denominator)"}),
    ("cosine-own-exponent", {COSINE: "np.cos(k / n ** ((2 * i + 1) / d))"}),
    ("cosine-half-exponent", {COSINE: "np.cos(k / n ** (i / d))"}),
    ("cosine-exponent-only", {COSINE: "np.cos((2 * i + 1) / d)"}),
    ("cosine-exponent-even", {COSINE: "np.cos(2 * i / d)"}),
    ("cosine-column", {COSINE: "np.cos((2 * i + 1) / denominator)"}),
    ("cosine-denominator-alone", {COSINE: "np.cos(denominator)"}),
    ("cosine-denominator-plus-one", {COSINE: "np.cos(k / (denominator + 1))"}),
    ("name-unknown", {COSINE: "np.cos(pos / denominator)"}),
    (None, {COSINE: "np.cosh(k / denominator)"}),
    ("divided-outside", {SINE: "np.sin(k) / denominator", COSINE: "np.cos(k) / denominator"}),
    ("minus", {SINE: "-np.sin(k / denominator)", COSINE: "-np.cos(k / denominator)"}),
    ("angle-only", {SINE: "k / denominator", COSINE: "k / denominator"}),
    ("sin-cos-swapped", {SINE: COSINE, COSINE: SINE}),
    ("sin-cos-blocks", {"P[k, 2 * i] =": "P[k, i] =", "P[k, 2 * i + 1] =": "P[k, d // 2 + i] ="}),
    ("return-in-loop", {RETURN: "        return P"}),
    ("return-in-loop", {RETURN: "            return P"}),
    (None, {RETURN: "    pass"}),  # None
    (None, {RETURN: "    return P.astype(int)"}),
    (None, {RETURN: "    return P.T"}),
    (None, {RETURN: "    return 'P'"}),
    (None, {RETURN: "    P[0, 0] = np.nan\n    return P"}),
]

RIGHT = [
    {DENOMINATOR: "n ** (2 * i / d)"},
    {DENOMINATOR: "np.exp(np.log(n) * 2 * i / d)"},
    {DENOMINATOR: "n ** (i / (d / 2))"},
    {DENOMINATOR: "pow(n, (2 * i) / d)"},
    {SINE: "np.cos(k / denominator - np.pi / 2)"},
    {SINE: "float(torch.sin(torch.tensor(k / denominator)))"},
    {SINE: "np.sin(k * denominator ** -1)"},
    {SINE: "np.imag(np.exp(1j * k / denominator))"},
    {COSINE: "np.sin(k / denominator + np.pi / 2)"},
    {COSINE: "np.real(np.exp(1j * k / denominator))"},
    {COSINE: "1 - 2 * np.sin(k / denominator / 2) ** 2"},
    {COSINE: "float(torch.cos(torch.tensor(k / denominator)))"},
    {"np.zeros((seq_len, d))": "torch.zeros(seq_len, d)"},
    {RETURN: "    return P.tolist()"},
    """\
def getPositionEncoding(seq_len, d, n=10000):
    k = np.arange(seq_len)[:, None]
    angle = k / n ** (np.arange(0, d, 2) / d)
    P = np.zeros((seq_len, d))
    P[:, 0::2] = np.sin(angle)
    P[:, 1::2] = np.cos(angle)[:, : d // 2]
    return P
""",
    """\
import warnings

def angle(k, column, d, n):
    warnings.warn("a warning costs nothing")
    print("nor does a print")
    return k / n ** ((column - column % 2) / d)

def getPositionEncoding(seq_len, d, n=10000):
    return np.array([[(np.cos if c % 2 else np.sin)(angle(k, c, d, n)) for c in range(d)] for k in range(seq_len)])
""",
]
