"""What the teaching staff run: `python -m course --help`."""
