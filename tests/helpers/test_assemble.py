"""The student's pieces are found in whatever lies in the folder, and the ViT runs with every mixture of them."""

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from helpers import assemble
from helpers.vit import model
from helpers.vit.pieces import NAMES
from tests import notebooks

HERE = list(NAMES)

POSITIONS = """\
import numpy as np

def getPositionEncoding(seq_len, d, n=10000):
    angle = np.arange(seq_len)[:, None] / n ** (np.arange(0, d, 2) / d)
    P = np.zeros((seq_len, d))
    P[:, 0::2], P[:, 1::2] = np.sin(angle), np.cos(angle)[:, : d // 2]
    return P
"""
BLOCK = """\
import torch
from torch import nn
from helpers.assemble import FeedForwardBlock, MultiHeadAttention, ResidualAdd

class TransformerEncoderBlock(nn.Sequential):
    def __init__(self, emb_size=192, num_heads=3, expansion=4, dropout=0.0):
        parts = MultiHeadAttention(emb_size, num_heads, dropout), FeedForwardBlock(emb_size, expansion, dropout)
        drop = nn.Dropout(dropout)
        super().__init__(*(ResidualAdd(nn.Sequential(nn.LayerNorm(emb_size), part, drop)) for part in parts))
"""


def write(path, *sources):
    """A notebook with these code cells, each source as a list of lines as nbformat stores it, and Q1's check."""
    sources = (*sources, 'check("q1_position_encoding")')
    cells = [{"cell_type": "code", "source": s.splitlines(keepends=True), "metadata": {}} for s in sources]
    cells.insert(0, {"cell_type": "markdown", "source": "# a title", "metadata": {}})
    path.write_text(json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}), "utf-8")


def why(found, key="q1_position_encoding"):
    return found[key].why


@pytest.mark.parametrize(
    "name",
    ["q1_positional_encoding.ipynb", "q1_positional_encoding (1).ipynb", "Copy of q1.ipynb", "übung.ipynb"],
)
def test_a_right_piece_is_yours_whatever_its_file_is_called(tmp_path, name):
    write(tmp_path / name, POSITIONS)
    piece = assemble.pieces(tmp_path)["q1_position_encoding"]
    assert piece.why == ""
    assert piece.made(3, 4, n=100)[1].round(2).tolist() == [0.84, 0.54, 0.1, 1.0]


def test_the_solutions_are_all_yours_and_untouched_notebooks_are_not_attempted():
    found = assemble.pieces(notebooks.ROOT / "solutions" / "2_build_a_vit")
    assert [key for key in HERE if found[key].why] == []
    found = assemble.pieces(notebooks.ROOT / "notebooks" / "2_build_a_vit")
    assert [key for key in HERE if not found[key].why.startswith("not attempted in q")] == []
    assert assemble.ViT(depth=1, pieces=found)(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_wrong_failing_and_missing_pieces_are_named_and_replaced(tmp_path):
    assert why(assemble.pieces(tmp_path)) == "no notebook here defines it"
    assert why(assemble.pieces(tmp_path / "nowhere")) == "no notebook here defines it"
    write(tmp_path / "q1.ipynb", POSITIONS.replace("np.sin", "np.cos"))
    found = assemble.pieces(tmp_path)
    assert why(found) == "incorrect in q1.ipynb"
    assert found["q1_position_encoding"].made is assemble.getPositionEncoding
    write(tmp_path / "q1.ipynb", "def getPositionEncoding(seq_len, d, n=missing):\n    return 1\n")
    assert why(assemble.pieces(tmp_path)) == "error in your code in q1.ipynb"
    write(tmp_path / "Copy of q1.ipynb", POSITIONS.replace("np.sin(angle)", "..."))
    assert why(assemble.pieces(tmp_path)) in (
        "not attempted in Copy of q1.ipynb",
        "error in your code in q1.ipynb",
    )
    write(tmp_path / "q1 (2).ipynb", POSITIONS)  # of several copies the right one counts
    assert why(assemble.pieces(tmp_path)) == ""


def test_a_piece_of_the_same_name_from_another_exercise_is_not_called_wrong(tmp_path):
    write(tmp_path / "other.ipynb", POSITIONS.replace("np.sin", "np.cos"))
    text = (tmp_path / "other.ipynb").read_text("utf-8")
    (tmp_path / "other.ipynb").write_text(text.replace("q1_position_encoding", "q3_class_token"), "utf-8")
    assert why(assemble.pieces(tmp_path)) == "no notebook here defines it"


def test_a_file_that_is_no_notebook_is_named(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(b"")
    (tmp_path / "b.ipynb").write_bytes(b"\xff\xfe\x00cells")
    (tmp_path / "c.ipynb").write_text('["a list"]')
    (tmp_path / "d.ipynb").write_text('{"cells": [{"cell_type": "code"}]}')
    (tmp_path / "e.ipynb").write_text("[" * 100_000)
    (tmp_path / "f.ipynb").mkdir()
    (tmp_path / "g.ipynb").symlink_to(tmp_path / "gone")
    said = why(assemble.pieces(tmp_path))
    assert "a.ipynb is empty" in said
    assert all(f"{letter}.ipynb is not a readable notebook" in said for letter in "bcdefg"), said
    write(tmp_path / "q1.ipynb", POSITIONS)
    assert why(assemble.pieces(tmp_path)) == ""


def test_only_imports_functions_and_classes_are_run(tmp_path, capfd):
    touched = tmp_path / "touched"
    write(
        tmp_path / "q1.ipynb",
        "%matplotlib inline\nimport a_package_that_is_not_there\nimport sys",
        "%%bash\nif then",
        "this is no Python",
        "# a cell with an invalid escape\ndef other():\n    return '\\d'",
        f"open({str(touched)!r}, 'w')\nprint('run')\nraise ValueError",
        "!pip install nothing\n" + POSITIONS,
        "class Broken:\n    sys.exit('no')",
    )
    assert why(assemble.pieces(tmp_path)) == ""
    assert not touched.exists()
    assert capfd.readouterr() == ("", "")


def test_names_of_the_running_notebook_count_but_not_what_it_imported_from_the_course(tmp_path):
    running = {"__name__": "__main__"}
    exec(POSITIONS, running)
    assert why(assemble.pieces(tmp_path, given=running)) == ""
    running["getPositionEncoding"] = assemble.getPositionEncoding
    assert why(assemble.pieces(tmp_path, given=running)) == "no notebook here defines it"
    running["getPositionEncoding"] = ...
    assert why(assemble.pieces(tmp_path, given=running)) == "not attempted in this notebook"


def test_the_report_has_one_line_a_piece(tmp_path, capsys):
    write(tmp_path / "q1.ipynb", POSITIONS)
    assemble.report(assemble.pieces(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(NAMES) + 1  # the first names the columns
    assert lines[1].split() == ["Q1", "getPositionEncoding", "yours"]
    assert lines[-1].split()[:3] == ["Q7", "TransformerEncoderBlock", "library"]


def test_your_block_is_built_from_your_attention_and_leaves_your_notebook_as_it_was(tmp_path):
    class Mine(assemble.MultiHeadAttention):
        pass

    write(tmp_path / "q7.ipynb", BLOCK)
    found = assemble.pieces(tmp_path)
    assert why(found, "q7_encoder_block") == ""
    own = found["q7_encoder_block"].made
    for block in (own, assemble.TransformerEncoderBlock):  # the course's block uses your pieces, too
        mixed = found | {
            "q5_attention": assemble.Piece("MultiHeadAttention", Mine),
            "q7_encoder_block": assemble.Piece("TransformerEncoderBlock", block),
        }
        vit = assemble.ViT(depth=2, pieces=mixed)
        assert len([m for m in vit.modules() if isinstance(m, Mine)]) == 2
        assert type(vit.blocks[0]) is block
        assert block.__init__.__globals__["MultiHeadAttention"] is assemble.MultiHeadAttention


def test_borrowed_names_are_given_back_after_an_error():
    space = {"__name__": "__main__"}
    exec("def f():\n    return here, there\nhere = 1", space)
    with pytest.raises(ZeroDivisionError), model.borrowed(space["f"], here=2, there=3):
        assert space["f"]() == (2, 3)
        raise ZeroDivisionError
    assert space["here"] == 1 and "there" not in space
    with model.borrowed(nn.Identity(), here=2):  # nothing to lend to: no harm
        pass


def test_the_vit_has_the_right_shapes_and_every_parameter_learns():
    vit = assemble.ViT(patch_size=8, emb_size=24, img_size=16, depth=2, num_classes=7)
    logits = vit(torch.randn(3, 3, 16, 16))
    assert logits.shape == (3, 7)
    logits.square().sum().backward()
    # a key's bias shifts all scores of a query alike, so the softmax does not see it
    still = [n for n, p in vit.named_parameters() if not p.grad.abs().max() > 1e-7 and "keys.bias" not in n]
    assert still == []


class TokenAndPositions(nn.Module):
    """A Q4 that puts a class token of its own in front of the patches, and adds float64 positions."""

    def __init__(self, patch_size, emb_size, img_size, learnable=False):
        super().__init__()
        assert learnable
        self.cls_token = nn.Parameter(torch.randn(1, 1, emb_size))
        rows = len(range(0, img_size, patch_size)) ** 2 + 1
        self.learnable_positions = nn.Parameter(torch.randn(rows, emb_size, dtype=torch.float64))

    def forward(self, x):
        return torch.hstack([self.cls_token.expand(len(x), 1, -1), x]) + self.learnable_positions


class TokenAfterProjection(assemble.ClassToken):
    """A Q3 that embeds the patches itself."""

    def __init__(self, in_channels, patch_size, emb_size, img_size):
        super().__init__(emb_size)
        self.projection = assemble.PatchEmbedding(in_channels, patch_size, emb_size, img_size)

    def forward(self, x):
        return super().forward(self.projection(x))


def test_a_class_token_or_patches_that_a_later_piece_brings_are_not_there_twice():
    found = {
        "q3_class_token": assemble.Piece("PatchEmbedding", TokenAfterProjection),
        "q4_positional_embedding": assemble.Piece("PositionalEmbedding", TokenAndPositions),
    }
    vit = assemble.ViT(depth=1, pieces=found)
    x = vit.class_token(vit.patch_embedding(torch.randn(2, 3, 32, 32)))
    assert x.shape == (2, 65, 192)
    wanted = x + vit.positional_embedding.embedding.learnable_positions
    assert torch.allclose(vit.positional_embedding(x), wanted.float(), atol=1e-6)
    assert vit(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_importing_it_is_cheap():
    heavy = "{'nbformat', 'timm', 'einops', 'torchvision', 'matplotlib', 'IPython'}"
    code = f"import sys, helpers.assemble; print(sorted({heavy} & sys.modules.keys()))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=notebooks.ROOT)
    assert run.stdout.strip() == "[]", run.stderr
