"""Printing on consoles that know fewer characters than we use: Windows code pages, ASCII."""

import codecs
import sys
from unicodedata import east_asian_width

# As wide as what it replaces, so that tables stay tables; a tick and a cross stay different. All others become "?".
PLAIN = dict(zip("✓✗○·…–—×‘’“”", "+xo-~--x''\"\"", strict=True))


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    shown = (PLAIN.get(sign, "??" if east_asian_width(sign) in "FW" else "?") for sign in signs)
    return "".join(shown), error.end


def prepare() -> None:
    """Let no character stop this program: what the console can't show is replaced."""
    codecs.register_error("plain", _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a notebook or a test stands in for the console
            stream.reconfigure(errors="plain")
