"""Write the SQL of a translated query in Spark's words, with the same meaning.

Meaning is defined once: ADQL becomes DuckDB's SQL, and that is read again and written for Spark 4 in ANSI mode.
"""
