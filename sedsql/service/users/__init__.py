"""Who may ask a service, and how they say who they are."""

from sedsql.service.users.accounts import Accounts
from sedsql.service.users.authentication import SECURITY, Authentication

__all__ = ["SECURITY", "Accounts", "Authentication"]
