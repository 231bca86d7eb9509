"""What a notebook of the course imports: `from helpers import check, show`.

Importing this package must stay cheap (a test keeps it under 0.3 s on top of torch):
matplotlib, einops, timm and scikit-learn are imported by the functions that use them.
"""

from helpers import show
from helpers.check import check
from helpers.progress import progress

__all__ = ["check", "progress", "show"]
