"""A TAP service of a mirror: queries over HTTP, whose sources have classes (IVOA TAP 1.1)."""
