"""From what an LMS gives to submitted/: archives, names, the roster, and a verdict for every file."""
