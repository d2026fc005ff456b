"""The documents in which a service describes itself: capabilities, tables, availability, examples."""
