"""`python -m helpers`: what is done, and what comes next."""

from helpers import console, progress

console.prepare()
progress()
