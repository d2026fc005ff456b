"""What the process of a session does: it runs a query, keeps the result, and answers what the page asks about it."""
