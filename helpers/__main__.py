"""`python -m helpers`: what is done, and what comes next."""

from helpers import progress

progress()
