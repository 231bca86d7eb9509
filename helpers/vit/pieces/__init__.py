"""The course's equivalent of every piece of a ViT, under the student's names and made from torch's own modules.

They are "what was built before" in a notebook that runs on its own, and stand in for a piece that is missing or not
right yet. A file each: a grading kernel gets those of its own notebook's exercises when these have been judged.
"""

import importlib
from dataclasses import dataclass
from typing import Any

NAMES = {
    "q1_position_encoding": "getPositionEncoding",
    "q2_patch_embedding": "PatchEmbedding",
    "q3_class_token": "ClassToken",
    "q4_positional_embedding": "PositionalEmbedding",
    "q5_attention": "MultiHeadAttention",
    "q6_residual_add": "ResidualAdd",
    "q7_feed_forward": "FeedForwardBlock",
    "q7_encoder_block": "TransformerEncoderBlock",
}
ASKED = NAMES | {
    "q3_class_token": "PatchEmbedding"
}  # what a student calls theirs: Q3 goes on with Q2's class


def load(key: str) -> Any:
    """The class or function that exercise `key` asks for. Raises ModuleNotFoundError where it is not to be had (yet)."""
    return getattr(importlib.import_module(f"{__name__}.{key}"), NAMES[key])


@dataclass(frozen=True)
class Piece:
    """A class or function for the ViT; `why` says why it is not the student's own, and is empty if it is."""

    name: str
    made: Any
    why: str = ""
