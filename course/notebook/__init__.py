"""A notebook as it was given out, and as it was sent: read, and rebuilt from the release."""
