"""Bring sedsql to tools that users already have, one file a tool."""
