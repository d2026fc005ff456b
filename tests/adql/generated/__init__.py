"""Queries drawn by a grammar, asked in several ways that must answer alike."""
