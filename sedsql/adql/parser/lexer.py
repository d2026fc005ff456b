"""Split a query into tokens (ADQL 2.1, section 2.1): words, numbers, strings, symbols; comments are left out.

`?` and `:name`, for values that are handed in beside the query, are not ADQL's but the DB-API's (PEP 249, paramstyle).
"""

from __future__ import annotations

import re

from sqlglot.tokens import Token, Tokenizer, TokenType

from sedsql.adql.errors import AdqlError

ADQL_WORDS = frozenset(
    """ABS ACOS AREA ASIN ATAN ATAN2 BIGINT BOX CEILING CENTROID CIRCLE CONTAINS COORD1 COORD2 COORDSYS COS COT
    DEGREES DISTANCE EXP FLOOR ILIKE INTERSECTS IN_UNIT LOG LOG10 MOD OFFSET PI POINT POLYGON POWER RADIANS
    REGION RAND ROUND SIN SQRT TOP TAN TRUNCATE""".split()  # noqa: SIM905
)
SQL_WORDS = frozenset(
    """ABSOLUTE ACTION ADD ALL ALLOCATE ALTER AND ANY ARE AS ASC ASSERTION AT AUTHORIZATION AVG BEGIN BETWEEN BIT
    BIT_LENGTH BOTH BY CASCADE CASCADED CASE CAST CATALOG CHAR CHARACTER CHAR_LENGTH CHARACTER_LENGTH CHECK
    CLOSE COALESCE COLLATE COLLATION COLUMN COMMIT CONNECT CONNECTION CONSTRAINT CONSTRAINTS CONTINUE CONVERT
    CORRESPONDING COUNT CREATE CROSS CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURSOR
    DATE DAY DEALLOCATE DECIMAL DECLARE DEFAULT DEFERRABLE DEFERRED DELETE DESC DESCRIBE DESCRIPTOR DIAGNOSTICS
    DISCONNECT DISTINCT DOMAIN DOUBLE DROP ELSE END ESCAPE EXCEPT EXCEPTION EXEC EXECUTE EXISTS EXTERNAL EXTRACT
    FALSE FETCH FIRST FLOAT FOR FOREIGN FOUND FROM FULL GET GLOBAL GO GOTO GRANT GROUP HAVING HOUR IDENTITY
    IMMEDIATE IN INDICATOR INITIALLY INNER INPUT INSENSITIVE INSERT INT INTEGER INTERSECT INTERVAL INTO IS
    ISOLATION JOIN KEY LANGUAGE LAST LEADING LEFT LEVEL LIKE LOCAL LOWER MATCH MAX MIN MINUTE MODULE MONTH NAMES
    NATIONAL NATURAL NCHAR NEXT NO NOT NULL NULLIF NUMERIC OCTET_LENGTH OF ON ONLY OPEN OPTION OR ORDER OUTER
    OUTPUT OVERLAPS PAD PARTIAL POSITION PRECISION PREPARE PRESERVE PRIMARY PRIOR PRIVILEGES PROCEDURE PUBLIC
    READ REAL REFERENCES RELATIVE RESTRICT REVOKE RIGHT ROLLBACK ROWS SCHEMA SCROLL SECOND SECTION SELECT
    SESSION SESSION_USER SET SIZE SMALLINT SOME SPACE SQL SQLCODE SQLERROR SQLSTATE SUBSTRING SUM SYSTEM_USER
    TABLE TEMPORARY THEN TIME TIMESTAMP TIMEZONE_HOUR TIMEZONE_MINUTE TO TRAILING TRANSACTION TRANSLATE
    TRANSLATION TRIM TRUE UNION UNIQUE UNKNOWN UPDATE UPPER USAGE USER USING VALUE VALUES VARCHAR VARYING VIEW
    WHEN WHENEVER WHERE WITH WORK WRITE YEAR ZONE""".split()  # noqa: SIM905
)
RESERVED = ADQL_WORDS | SQL_WORDS
FUNCTION_WORDS = (ADQL_WORDS - {"BIGINT", "ILIKE", "OFFSET", "TOP"}) | frozenset(
    "AVG CAST COALESCE COUNT LOWER MAX MIN SUM UPPER".split()  # noqa: SIM905
)
"""Reserved for functions, which always have a bracket after them: without one the word can only be a name."""
UNUSED_RESERVED = ((SQL_WORDS - FUNCTION_WORDS) | {"BIGINT"}) - frozenset(
    """ALL AND AS ASC BETWEEN BY CASE CROSS DESC DISTINCT ELSE END EXCEPT EXISTS FALSE FROM FULL GROUP HAVING IN INNER
    INTERSECT INTO IS JOIN LEFT LIKE NATURAL NOT NULL ON OR ORDER OUTER RIGHT SELECT THEN TRUE UNION USING VALUES
    WHEN WHERE WITH""".split()  # noqa: SIM905
)
"""Reserved, and without a use in ADQL but for types in CAST: the Gaia Archive has a schema `external`, and people write
`AS position`."""

TOKEN = re.compile(
    r"""(?P<blank>(?:\s|--[^\n]*)+)
    | (?P<hex>0[xX][0-9A-Fa-f]+)
    | (?P<number>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<string>'(?:[^']|'')*')
    | (?P<delimited>"(?:[^"]|"")+")
    | (?P<word>[A-Za-z][A-Za-z0-9_]*)
    | (?P<parameter>\?|:[A-Za-z_][A-Za-z0-9_]*)
    | (?P<symbol><>|!=|<=|>=|\|\||[-+*/=<>(),.;])""",
    re.VERBOSE | re.ASCII,
)
TYPES = {
    "hex": TokenType.HEX_STRING,
    "number": TokenType.NUMBER,
    "string": TokenType.STRING,
    "delimited": TokenType.IDENTIFIER,
    "word": TokenType.VAR,
    "parameter": TokenType.PARAMETER,
}
SYMBOLS = {
    **Tokenizer.SINGLE_TOKENS,
    "<>": TokenType.NEQ,
    "!=": TokenType.NEQ,
    "<=": TokenType.LTE,
    ">=": TokenType.GTE,
    "||": TokenType.DPIPE,
}


def tokenize(sql: str) -> list[Token]:
    """Split a query into sqlglot's tokens; strings and delimited names come without their quotes.

    `start` is the first character of a token and `end` the one after its last.
    """
    if not isinstance(sql, str):
        raise AdqlError(f"A query is a text, and this is a {type(sql).__name__}")
    try:
        sql.encode()
    except UnicodeEncodeError as reason:  # half of a character, as of bytes that are no UTF-8
        raise AdqlError(f"ADQL has no character {sql[reason.start]!r}", sql, reason.start) from None
    tokens: list[Token] = []
    place, size = 0, len(sql)
    while place < size:
        found = TOKEN.match(sql, place)
        if not found:
            raise _unreadable(sql, place)
        kind, text, end = str(found.lastgroup), found.group(), found.end()
        if kind == "symbol":
            tokens.append(Token(SYMBOLS[text], text, start=place, end=end))
        elif kind != "blank":
            if kind in ("hex", "number") and end < size and (sql[end].isalnum() or sql[end] == "_"):
                raise AdqlError(f"'{text}{sql[end]}' runs a number into a word", sql, place, end + 1)
            if kind == "string":
                text = text[1:-1].replace("''", "'")
            elif kind == "delimited":
                text = text[1:-1].replace('""', '"')
            tokens.append(Token(TYPES[kind], text, start=place, end=end))
        place = end
    return tokens


def _unreadable(sql: str, place: int) -> AdqlError:
    letter = sql[place]
    if letter == "'":
        return AdqlError("This string is not closed", sql, place, hint="end it with '")
    if letter == '"':
        if sql[place : place + 2] == '""':
            return AdqlError("A name between double quotes is empty", sql, place, place + 2)
        return AdqlError("This name is not closed", sql, place, hint='end it with "')
    if letter.isalpha() or letter == "_":
        found = re.compile(r"\w+").match(sql, place)
        word = found.group() if found else letter
        hint = f'put it between double quotes: "{word}"'
        return AdqlError(f"'{word}' is no regular name in ADQL", sql, place, place + len(word), hint)
    return AdqlError(f"ADQL has no character {letter!r}", sql, place)
