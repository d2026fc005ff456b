"""Ask TAP services (IVOA TAP 1.1), so that an answer is either whole or an error.

`service.Service` asks, `votable.read` decodes, `errors` has the errors, and `limits` says how much may come.
"""
