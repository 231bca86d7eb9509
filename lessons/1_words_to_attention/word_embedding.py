# %% [markdown] order=1 id="8061673d"
# # Word embedding
#
# Turn words into vectors that point the same way when the words are used alike, and learn such vectors from a little text in seconds.
#
# **When you are done you can**
#
# - number the words of a text, write them as one-hot vectors, and say why those are useless for comparing words;
# - compare two vectors by the cosine of the angle between them;
# - explain why an embedding layer is a matrix product that nobody computes, and where its numbers come from.
#
# **Time and hardware**: about 60 minutes of yours, and the whole notebook computes for less than 30 seconds on two CPU cores; no GPU, no download.
#
# **Before you start**: Python dictionaries, vectors and matrix products. A first look at PyTorch tensors helps.
#
# **Do you remember?** No other notebook is needed before this one, so these are about what you bring along. Answer first, then open.
#
# <details><summary>1. In Python: what are <code>key</code> and <code>value</code> in <code>for key, value in {"a": 3, "b": 5}.items()</code>?</summary>
#
# One pair after the other: first "a" and 3, then "b" and 5.
#
# </details>
# <details><summary>2. Which shape has a (1 x 6) matrix times a (6 x 4) matrix?</summary>
#
# (1 x 4): the inner sizes have to be the same, the outer ones stay.
#
# </details>
# <details><summary>3. What is the length of the vector (3, 4)?</summary>
#
# The square root of 3² + 4², which is 5.
#
# </details>

# %% tags=["setup"] id="515d6d11"
import torch
import torch.nn.functional as F
from sklearn.manifold import TSNE
from torch import nn

from helpers import check, show, texts

torch.manual_seed(0)
print("Ready.")

# %% [markdown]
# ## A word as a vector
#
# A network computes with numbers, and "intelligence" is not a number. What we want is a map from words to vectors of $d$ real numbers:
#
# $$W: \text{words} \rightarrow \mathbb{R}^d \qquad \text{"intelligence"} \rightarrow (w_1, w_2, \dots, w_d) \quad\text{for example}\quad (0.1,\ -0.8,\ \dots,\ 0.9)$$
#
# The vector is the word's **embedding**, and $d$ is the embedding dimension. Words that are used alike should get vectors that lie close together. We get there in four steps: number the words, write the numbers as vectors, make the vectors short, and learn them.
#
# ## Step 1: words get numbers
#
# Two sentences will do to begin with. Predict first: how many *different* words are there?

# %%
prediction = ...  # a number

sentences = ["I love artificial intelligence", "I like computational intelligence"]
all_words = [word for sentence in sentences for word in sentence.split()]
show.text(f"{len(all_words)} words: {', '.join(all_words)}.")
show.compare(prediction, len(set(all_words)))

# %% [markdown]
# Eight words, but "I" and "intelligence" come twice. The six different ones are the **vocabulary** $V$, so $|V| = 6$. Each gets a number, and the number must lead back to the word.
#
# ## Exercise: build the vocabulary
#
# Two blanks (`...`), one point each. Keep the names on the left.
#
# 1. `word_to_index[word]`: the number of a new word. Count 0, 1, 2, ... in the order in which the words first appear, one sentence after the other: "I" is 0, "love" is 1, "artificial" is 2.
# 2. `index_to_word`: the way back. `index_to_word[0]` should be "I".


# %% nbgrader={"grade_id": "word_vocabulary", "solution": true}
def build_vocabulary(sentences):
    """Number the words of some sentences: word -> integer, and integer -> word.

    A word is what stands between spaces, taken as it is: "The" and "the" are two words.
    """
    word_to_index = {}
    for sentence in sentences:
        for word in sentence.split():
            if word not in word_to_index:
                word_to_index[word] = len(word_to_index)  # blank: word_to_index[word] = ...
    index_to_word = {index: word for word, index in word_to_index.items()}  # blank: index_to_word = ...
    return word_to_index, index_to_word


# %% [markdown]
# Run the check as often as you like. Stuck? In a new cell: `check.hint("word_vocabulary")`.

# %% nbgrader={"grade_id": "check_word_vocabulary", "grade": true}
check("word_vocabulary")

# %% [markdown]
# There and back again:

# %%
if check.ready("word_vocabulary"):
    there, back = build_vocabulary(sentences)
    rows = [(word, index, back[index]) for word, index in there.items()]
    show.table(
        rows, ["word", "number", "and back"], f"|V| = {len(there)}, and every number leads back to its word."
    )
    for sentence in sentences:
        show.text(f"{sentence}: {[there[word] for word in sentence.split()]}")

# %% [markdown]
# Reading the two sentences side by side would number the same words I 0, love 1, like 2, artificial 3, computational 4, intelligence 5. That is just as good. **Any order will do**, as long as each word keeps its number.
#
# And that is the trouble with bare numbers: if any order will do, then it means nothing that "artificial" (2) lies between "love" (1) and "intelligence" (3), and a network should not compute with it.
#
# ## Step 2: one-hot vectors
#
# So the number becomes a place. A **one-hot** vector has $|V|$ entries, all 0 but one: a 1 at the word's own number.

# %%
words = ["I", "love", "artificial", "intelligence", "like", "computational"]  # numbers 0 to 5
one_hot = F.one_hot(torch.arange(6)).float()  # (6 words, |V| = 6)
show.matrices(
    {"one-hot vectors": one_hot},
    "every row has a single 1, at the word's own number, so no two rows have anything in common.",
    rows=words,
    columns=[str(i) for i in range(6)],
    xlabel="number in the vocabulary",
    written=".0f",
)

# %% [markdown]
# ## How alike are two vectors?
#
# Look at their directions. Two vectors that point the same way are alike, however long they are; at a right angle they have nothing to do with each other; and they may point apart. The **cosine** of the angle $\theta$ between them says it in one number: 1, 0, down to -1.
#
# $$\cos\theta = \frac{A \cdot B}{\lVert A \rVert \, \lVert B \rVert}$$
#
# Here $A \cdot B$ is the dot product and $\lVert A \rVert$ the length, the square root of the sum of squares. Five vectors that can be drawn. Predict first: C has the direction of A and half its length; what is the cosine of the two?

# %%
prediction = ...  # a number from -1 to 1

arrows = {"A": (3.0, 4.0), "B": (4.0, 3.0), "C": (1.5, 2.0), "D": (-4.0, 3.0), "E": (-4.0, -2.0)}
angles = {name: torch.atan2(torch.tensor(y), torch.tensor(x)) for name, (x, y) in arrows.items()}
with_a = {name: round(float(torch.cos(angle - angles["A"])), 2) for name, angle in angles.items()}

show.arrows(
    arrows,
    [f"{name} = ({x:g}, {y:g}), cosine with A: {with_a[name] + 0.0:.2f}" for name, (x, y) in arrows.items()],
    f"C is only half as long as A but points the same way: cosine {with_a['C']:.2f}. "
    f"B leans to one side ({with_a['B']:.2f}), D stands at a right angle, E points away ({with_a['E']:.2f}).",
)
show.compare(prediction, with_a["C"])

# %% [markdown]
# ## Exercise: cosine similarity
#
# The angles above were measured in a plane. The formula needs no plane: it works for any number of dimensions. One blank, one point: the cosine of the angle between the vectors `a` and `b`.


# %% nbgrader={"grade_id": "cosine_similarity", "solution": true}
def cosine_similarity(a, b):
    """Cosine of the angle between two vectors.

    Args:
        a, b: tensors of decimals, both of shape (d,), not all zeros.
    """
    similarity = a @ b / (a.norm() * b.norm())  # blank: similarity = ...
    return similarity


# %% nbgrader={"grade_id": "check_cosine_similarity", "grade": true}
check("cosine_similarity")

# %% [markdown]
# Now the question that one-hot vectors have to answer: is "love" more like "like" than like "intelligence"?

# %%
if check.ready("cosine_similarity"):
    alike = [(word, f"{float(cosine_similarity(one_hot[1], v)):.2f}") for word, v in zip(words, one_hot)]
    show.table(alike, ["love and", "cosine"])

# %% [markdown]
# Every word is like itself and like nothing else. **All pairs of one-hot vectors are equally unlike**, so they are useless for comparing words. And they are long: one entry for each word of the language.
#
# ## Step 3: short vectors, from a table
#
# So let each word have a few numbers that are all in use. They stand in a table $W$ with one row a word: $|V|$ rows, $d$ columns. The numbers in this one are made up by hand, with $d = 4$, so that you can see what we are after.

# %%
W = torch.tensor(
    [  # about people, about feeling, about machines, about thinking
        [0.9, 0.2, -0.2, 0.3],  # 0 I
        [0.3, 0.9, -0.1, 0.0],  # 1 love
        [-0.1, 0.0, 0.9, 0.3],  # 2 artificial
        [0.3, 0.1, 0.4, 0.9],  # 3 intelligence
        [0.4, 0.7, 0.0, 0.1],  # 4 like
        [-0.2, -0.1, 0.8, 0.5],  # 5 computational
    ]
)
if check.ready("cosine_similarity"):
    alike = {
        title: torch.tensor([[float(cosine_similarity(a, b)) for b in table] for a in table])
        for title, table in {"one-hot vectors, d = 6": one_hot, "table W, d = 4": W}.items()
    }
    show.matrices(
        alike,
        "left, every word is like itself alone; right, love and like are a bright pair, "
        "and so are artificial and computational.",
        rows=words,
        columns=words,
        label="cosine similarity",
        vmin=-0.3,
        vmax=1,
    )

# %% [markdown]
# ## From the number to the vector
#
# How does a word pick its row? By a matrix product: its one-hot vector, as a row, times the table.
#
# $$(1 \times |V|) \cdot (|V| \times d) \Rightarrow (1 \times d)$$
#
# Which row of $W$ will come out for "intelligence"?

# %%
one, table = one_hot[3:4], W  # (1, 6) and (6, 4)
parts = {"one-hot row, 1 x 6": one, "times W, 6 x 4": table, "equals, 1 x 4": one.mm(table)}
show.matrices(
    parts,
    "the 1 keeps row 3 of W (framed), the zeros silence all others: the product is that row.",
    rows=words,
    written=".1f",
    mark={"times W, 6 x 4": 3},
)

# %% [markdown]
# The product only ever picks a row. So nobody multiplies: the row is **looked up**.
#
# ## Exercise: look-up equals product
#
# A sentence of $n$ words comes as $n$ numbers, `indices`. Two blanks, one point each; both give the rows of the words, $(n, d)$, and both should give the same.
#
# 1. `product`: by a matrix product with `one_hot`, which is given.
# 2. `rows`: by taking the rows straight out of `W`.


# %% nbgrader={"grade_id": "lookup_is_product", "solution": true}
def embed(indices, W):
    """Embed n words in two ways.

    Args:
        indices: the words' numbers, integers of shape (n,).
        W: the embedding table, (|V|, d).

    Returns:
        The vectors of the words, twice, each of shape (n, d).
    """
    one_hot = F.one_hot(indices, num_classes=len(W)).to(W.dtype)  # (n, |V|)
    product = one_hot @ W  # blank: product = ...
    rows = W[indices]  # blank: rows = ...
    return product, rows


# %% nbgrader={"grade_id": "check_lookup_is_product", "grade": true}
check("lookup_is_product")

# %% [markdown]
# PyTorch's layer for this is `nn.Embedding(|V|, d)`: the table as trainable parameters, and a look-up. The second sentence, in all three ways:

# %%
if check.ready("lookup_is_product"):
    indices = torch.tensor([0, 4, 5, 3])  # I like computational intelligence
    layer = nn.Embedding.from_pretrained(W, freeze=False)
    product, rows = map(torch.as_tensor, embed(indices, W))
    show.matrix(rows, "I like computational intelligence".split(), range(4), "rows")
    show.text(f"Product equals look-up: {torch.equal(product, rows)}.")
    show.text(f"Look-up equals `nn.Embedding`: {torch.equal(rows, layer(indices))}.")
    big_V, big_d, n = 50_000, 512, len(indices)
    show.text(
        f"Multiplications of the product for |V| = {big_V:,}, d = {big_d}: {n * big_V * big_d:,}; of the look-up: 0."
    )

# %% [markdown]
# It is a linear layer all the same, so gradients reach the table. (The **gradient** says for each number how much the result grows if that number grows a little; training follows it.) Only the rows that were looked up get any.

# %%
if check.ready("lookup_is_product"):
    layer(indices).sum().backward()
    show.matrix(layer.weight.grad, words, range(4), "gradient")

# %% [markdown]
# ## Step 4: where do the numbers come from?
#
# Not by hand. "You shall know a word by the company it keeps" (J. R. Firth, 1957): words that are used alike have the same words around them. So let each vector learn to **guess its neighbours**; words with the same neighbours will end up with similar vectors. That is skip-gram, the idea of word2vec ([Mikolov et al. 2013](https://arxiv.org/abs/1301.3781)).
#
# The text is a little one, written for this course (all of it stands in `helpers/texts.py`), in lower case, so that "The" and "the" are one word. Here is every fifteenth sentence:

# %%
little_text = texts.sentences()
show.table([[sentence] for sentence in little_text[::15]])
tokens = [word for sentence in little_text for word in sentence.split()]
show.text(f"{len(little_text)} sentences, {len(tokens)} words, {len(set(tokens))} of them different.")

# %% [markdown]
# Every word asks for the words at most 2 places away. Two words of one sentence ask for these:


# %%
def pairs_of(sentence, window=2):
    """(word, neighbour) for every word and each word at most `window` places from it."""
    tokens = sentence.split()
    return [
        (tokens[i], tokens[j])
        for i in range(len(tokens))
        for j in range(max(0, i - window), min(len(tokens), i + window + 1))
        if i != j
    ]


pairs = pairs_of("rome is the capital of italy")
asked = [(word, ", ".join(other for w, other in pairs if w == word)) for word in ("rome", "capital")]
show.table(asked, ["word", "asks for"])

# %% [markdown]
# The model is two tables: a word's row of 10 numbers is looked up (`nn.Embedding`), and a linear layer turns it into one score for each word of the vocabulary. **Softmax** turns the scores into chances (positive numbers that sum to 1), and the **cross-entropy** is minus the logarithm of the chance that the neighbour got that really stood there: 0 if the model was sure of it, large if it was sure of something else. Training repeats three things 200 times: compute the loss (here the mean cross-entropy), compute its gradient (`backward`), and let an optimizer move every number a little so that the loss falls (`step`). Part 3 takes such a step apart. After training we keep the first table. Your `build_vocabulary` numbers the words.

# %%
if check.ready("word_vocabulary"):
    torch.manual_seed(0)
    word_to_index, index_to_word = build_vocabulary(little_text)
    V = len(word_to_index)
    pairs = torch.tensor(
        [[word_to_index[w], word_to_index[c]] for sentence in little_text for w, c in pairs_of(sentence)]
    )  # (pairs, 2)

    embedding = nn.Embedding(V, 10)  # (|V|, d)
    scores = nn.Linear(10, V, bias=False)  # one score for each possible neighbour
    untrained = embedding.weight.detach().clone()
    optimizer = torch.optim.Adam([*embedding.parameters(), *scores.parameters()], lr=0.03)
    losses = []
    for _ in range(200):  # all pairs at once: the text is small
        loss = F.cross_entropy(scores(embedding(pairs[:, 0])), pairs[:, 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    trained = embedding.weight.detach().clone()

    blind = float(torch.tensor(float(V)).log())
    counts = torch.zeros(V, V).index_put((pairs[:, 0], pairs[:, 1]), torch.ones(len(pairs)), accumulate=True)
    chances = (counts / counts.sum(1, keepdim=True))[
        pairs[:, 0], pairs[:, 1]
    ]  # the best guess that can be made
    best = float(-chances.log().mean())
    show.curves(
        {
            "skip-gram": losses,
            f"guessing blindly: ln {V}": [blind] * 200,
            "knowing all counts": [best] * 200,
        },
        f"the loss starts at {losses[0]:.2f}, no better than guessing blindly, and falls to {losses[-1]:.2f}. It can't reach 0, because a word has many "
        f"neighbours: knowing exactly how often each pair comes would still leave {best:.2f}.",
        title=f"learning from {len(pairs)} pairs",
        xlabel="step",
        ylabel="cross-entropy",
    )

# %% [markdown]
# ## Who lives next door?
#
# For some words, the three words with the highest cosine similarity: in the table of random numbers that training started from, and in the trained one. Nobody told the model what an animal or a colour is.


# %%
def neighbours(word, table, count=3):
    """The words whose vectors are most like that of `word`, best first."""
    query = table[word_to_index[word]]
    alike = {other: float(cosine_similarity(query, table[i])) for other, i in word_to_index.items()}
    del alike[word]
    return sorted(alike, key=alike.get, reverse=True)[:count]


if check.ready("word_vocabulary") and check.ready("cosine_similarity"):
    rows = [
        (word, ", ".join(neighbours(word, untrained)), ", ".join(neighbours(word, trained)))
        for word in ("cat", "soup", "red", "greece", "rome", "snow", "train")
    ]
    show.table(rows, ["word", "before training", "after training"])

# %% [markdown]
# A few examples can be chosen to please. So count: seven groups of six words, and for each word the question whether its nearest neighbour among *all* words of the text belongs to its own group.

# %%
groups = {
    "animals": "cat dog horse cow sheep mouse".split(),
    "food": "bread cheese soup rice pasta cake".split(),
    "colours": "red blue green yellow black white".split(),
    "countries": "france italy spain japan egypt greece".split(),
    "capitals": "paris rome madrid tokyo cairo athens".split(),
    "weather": "rain snow wind storm fog sunshine".split(),
    "vehicles": "train bus car ship plane bicycle".split(),
}
if check.ready("word_vocabulary") and check.ready("cosine_similarity"):
    for name, table in (("before", untrained), ("after", trained)):
        nearest = {word: neighbours(word, table, 1)[0] for group in groups.values() for word in group}
        misses = [
            f"{word} ({nearest[word]})"
            for group in groups.values()
            for word in group
            if nearest[word] not in group
        ]
        right = len(nearest) - len(misses)
        show.text(f"{name} training: {right} of {len(nearest)} next to a word of their own group.")
    show.text(f"Still elsewhere: {', '.join(misses) or 'none'}.")

# %% [markdown]
# ## A map of the words
#
# Ten dimensions can't be drawn. **t-SNE** puts the words on a plane so that those that were near stay near. Read it with care: what lies together means something, but axes, sizes of clusters and distances between them do not, and another seed turns the map.

# %%
if check.ready("word_vocabulary"):
    chosen = [word_to_index[word] for group in groups.values() for word in group]
    home = torch.arange(len(groups)).repeat_interleave(6)  # the group of each
    maps, together = {}, []
    for title, table in {"before training": untrained, "after training": trained}.items():
        vectors = F.normalize(table[chosen], dim=1)  # (42, 10), all of length 1: angles count
        # perplexity: about how many neighbours each word keeps an eye on
        tsne = TSNE(perplexity=13, init="pca", method="exact", random_state=0)
        places = torch.from_numpy(tsne.fit_transform(vectors.numpy()))  # (42, 2)
        maps[title] = places
        closest = (torch.cdist(places, places) + 1e9 * torch.eye(len(chosen))).argmin(dim=1)
        together.append(int((home == home[closest]).sum()))
    show.word_maps(
        maps,
        groups,
        f"right, words of one group lie together (for {together[1]} of {len(chosen)} the nearest point is one of "
        f"their group); left, they lie anywhere ({together[0]} of {len(chosen)}).",
    )

# %% [markdown]
# Look inside the groups, too. Which animals keep apart from the others, and which vehicles? The text tells why: the farmer feeds only some, and not every journey needs a ticket.
#
# ## What this embedding is, and what it is not
#
# - It is tiny, and its text repeats itself so that a few sentences suffice. Real ones learn from billions of words and use hundreds of dimensions; the method is the same.
# - "Alike" means *used alike*. Black and white lie close together, because both are colours of hats and doors, though they are opposites.
# - A word has **one** vector, wherever it stands. The bank of a river and the bank with the money share a row. To tell them apart, a word's vector has to take in the words around it: that is what attention does.
#
# **And images?** A patch of an image is a row of numbers too, but no vocabulary lists all patches, so nothing can be looked up. The product stays: the patch's numbers times a learned matrix, where here the one-hot row stood. That is the patch embedding of part 2.
#
# ## What you have learned
#
# - Words become numbers, numbers become one-hot vectors, and between any two of those the cosine is 0.
# - An embedding is a table with one row a word; one-hot times table *is* the look-up of a row.
# - Vectors that learn to guess their neighbours gather words that are used alike.
#
# ## Going further
#
# - [wevi](https://ronxin.github.io/wevi/): watch a word embedding learn in the browser.
# - Mikolov et al. 2013, [Efficient Estimation of Word Representations in Vector Space](https://arxiv.org/abs/1301.3781).
# - Turian et al. 2010, [Word Representations: A Simple and General Method for Semi-Supervised Learning](https://aclanthology.org/P10-1040/): an early t-SNE map of words.
# - Next: [Self-attention](self_attention.ipynb), where each word takes in the others.
