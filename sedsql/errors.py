"""The base of every error that a user can mend."""


class Error(Exception):
    """A mistake that the user can mend; the message is one sentence that says what and what would work."""
