"""Kernels that are not trusted: namespaces, limits, and processes to fork them from."""
