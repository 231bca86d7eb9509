"""Text of others: digests of it, and what may be printed of it."""

import hashlib
import unicodedata


def digest(*parts: str | bytes) -> str:
    """sha256 of the parts; where one ends and the next begins counts."""
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        whole.update(len(data).to_bytes(8, "big") + data)
    return whole.hexdigest()


def paired(text: str) -> str:
    """Text that can be written: lone halves of characters (surrogates) are replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def printable(text: str) -> str:
    """Text from a file's name, safe to print: no control characters, no line breaks."""
    return "".join("?" if unicodedata.category(c)[0] == "C" else c for c in text)
