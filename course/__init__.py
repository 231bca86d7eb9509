"""What the teaching staff run: `python -m course --help`."""

import sys

# jsonschema (by way of nbformat) imports it, which takes a second, to check international web addresses: there are none.
sys.modules.setdefault("rfc3987_syntax", None)
