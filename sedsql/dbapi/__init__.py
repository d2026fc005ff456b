"""Use a mirror as a database of Python's DB-API (PEP 249)."""
