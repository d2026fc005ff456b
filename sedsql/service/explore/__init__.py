"""A page in the browser that explores a mirror: linked views of the result of a query, each source with its SED.

Each page has a session, a process of its own; `explorer` is what that does.
"""
