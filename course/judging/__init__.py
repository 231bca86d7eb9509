"""One submission becomes one record: it runs in a sandbox, is observed there, and judged here."""
