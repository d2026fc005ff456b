"""Name the key under which a table's metadata say where its classes come from."""

PROVENANCE = "sedsql"
"""Of a dictionary in astropy's and pandas' metadata, and of its JSON in Arrow's and Parquet's."""
