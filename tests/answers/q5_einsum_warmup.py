PRODUCT = '"ij,jk->ik"'
BATCH = '"bij,bjk->bik"'
OUTER = '"i,j->ij"'
TRACE = '"ii->"'
WEIGHTED = '"n,nd->d"'

WRONG = [
    ("product-transposed", {PRODUCT: '"ij,jk->ki"'}),
    ("product-not-summed", {PRODUCT: '"ij,jk->ijk"'}),
    ("product-all-summed", {PRODUCT: '"ij,jk->"'}),
    ("product-columns-summed", {PRODUCT: '"ij,jk->i"'}),
    ("product-rows-summed", {PRODUCT: '"ij,jk->k"'}),
    ("product-keeps-shared-left", {PRODUCT: '"ij,jk->ij"'}),
    ("product-keeps-shared-right", {PRODUCT: '"ij,jk->jk"'}),
    ("product-not-shared", {PRODUCT: '"ab,cd->ad"'}),
    ("product-transposed", {PRODUCT: '"zj,ja"'}),  # without an arrow the letters come back sorted
    ("matrix-product-operand-count", {PRODUCT: '"ij->ji"'}),
    ("matrix-product-operand-count", {PRODUCT: '"ij jk -> ik"'}),
    ("matrix-product-letter-count", {PRODUCT: '"i,jk->ik"'}),
    ("matrix-product-sizes-differ", {PRODUCT: '"ij,ij->ij"'}),
    ("matrix-product-sizes-differ", {PRODUCT: '"ij,kj->ik"'}),
    ("matrix-product-unknown-letter", {PRODUCT: '"ij,jk->il"'}),
    ("matrix-product-letter-twice", {PRODUCT: '"ij,jk->ii"'}),
    ("matrix-product-not-a-letter", {PRODUCT: '"ij,jk=>ik"'}),
    ("matrix-product-letter-count", {PRODUCT: '"row in, in col -> row col"'}),
    ("matrix-product-not-a-string", {PRODUCT: "torch.ones(3, 5)"}),
    ("matrix-product-not-a-string", {PRODUCT: "None"}),
    ("matrix-product-missing", {'"matrix product"': '"product"'}),
    ("batch-summed", {BATCH: '"bij,bjk->ik"'}),
    ("batch-crossed", {BATCH: '"aij,bjk->abik"'}),
    ("batch-not-shared", {BATCH: '"aij,bjk->aik"'}),
    ("batch-transposed", {BATCH: '"bij,bjk->bki"'}),
    ("batch-last", {BATCH: '"bij,bjk->ikb"'}),
    ("batch-in-the-middle", {BATCH: '"bij,bjk->ibk"'}),
    ("batch-not-summed", {BATCH: '"bij,bjk->bijk"'}),
    ("batched-product-letter-count", {BATCH: '"ij,jk->ik"'}),
    ("batched-product-sizes-differ", {BATCH: '"bij,bij->bij"'}),
    ("outer-transposed", {OUTER: '"i,j->ji"'}),
    ("outer-summed", {OUTER: '"i,j->"'}),
    ("outer-row-summed", {OUTER: '"i,j->i"'}),
    ("outer-column-summed", {OUTER: '"i,j->j"'}),
    ("outer-product-letter-twice", {OUTER: '"i,i->ii"'}),
    ("outer-product-sizes-differ", {OUTER: '"i,i->"'}),
    ("outer-product-operand-count", {OUTER: '"ij->ij"'}),
    ("trace-diagonal", {TRACE: '"ii->i"'}),
    ("trace-total", {TRACE: '"ij->"'}),
    ("trace-row-sums", {TRACE: '"ij->i"'}),
    ("trace-column-sums", {TRACE: '"ij->j"'}),
    ("trace-unchanged", {TRACE: '"ij->ij"'}),
    ("trace-transposed", {TRACE: '"ij->ji"'}),
    ("trace-letter-count", {TRACE: '"i->"'}),
    ("trace-not-a-letter", {TRACE: '"ii->1"'}),
    ("weighted-not-summed", {WEIGHTED: '"n,nd->nd"'}),
    ("weighted-wrong-axis", {WEIGHTED: '"n,nd->n"'}),
    ("weighted-all-summed", {WEIGHTED: '"n,nd->"'}),
    ("weighted-not-shared", {WEIGHTED: '"m,nd->d"'}),
    ("weighted-sum-sizes-differ", {WEIGHTED: '"d,nd->n"'}),
    ("weighted-sum-unknown-letter", {WEIGHTED: '"n,nd->m"'}),
    (None, {WEIGHTED: '"n,nd->dn"'}),
    (None, {PRODUCT: '"ij,jk->->ik"'}),
    (None, "einsum_patterns = ['ij,jk->ik', 'bij,bjk->bik', 'i,j->ij', 'ii->', 'n,nd->d']"),
    (None, "einsum_patterns = None"),
]

RIGHT = [
    {
        PRODUCT: '"ab,bc->ac"',
        BATCH: '"xab,xbc->xac"',
        OUTER: '"u,v->uv"',
        TRACE: '"kk->"',
        WEIGHTED: '"i,ij->j"',
    },
    {
        PRODUCT: '"  i j , j k -> i k "',
        BATCH: '"b i j, b j k -> b i k"',
        OUTER: '"i, j -> i j"',
        TRACE: '"i i ->"',
    },
    {PRODUCT: '"ij,jk"', OUTER: '"i,j"', TRACE: '"ii"', WEIGHTED: '"n,nd"'},  # no arrow: sorted letters
    {PRODUCT: '"...ij,...jk->...ik"', BATCH: '"...ij,...jk->...ik"'},
    {PRODUCT: '"QK,Kv->Qv"', WEIGHTED: "'k,kv->v'"},
    """\
letters = "ijk"
einsum_patterns = dict(zip(
    ["trace", "outer product", "weighted sum", "matrix product", "batched product", "one more of my own"],
    ["ii->", "a,b->ab", "a,ab->b", f"{letters[:2]},{letters[1:]}->ik", "bij,bjk->bik", "ij->j"],
))
""",
]
