"""Asking TAP services (IVOA TAP 1.1), so that an answer is either whole or an error.

`service.Service` asks, `votable.read` decodes, `errors` says what can go wrong, `limits` how much may come.
"""
