"""Say what is wrong with a query, and where; and what is wrong with a value that it meets."""

from __future__ import annotations

from sqlglot.errors import ParseError

from sedsql.errors import DataError, ProgrammingError


class AdqlError(ProgrammingError, ParseError, ValueError):
    """A query is not good: what is wrong, where, and what would work.

    `line` and `column` count from 1 and give the place where the offending word starts, `length` is its letters on that
    line; `hint` is what would work, or None. It is sqlglot's ParseError as well, for those who come through sqlglot.
    """

    def __init__(self, message: str, sql: str = "", start: int = 0, end: int | None = None, hint: str | None = None):
        start = max(0, min(start, len(sql)))
        self.hint = hint
        self.line = sql.count("\n", 0, start) + 1
        begin = sql.rfind("\n", 0, start) + 1
        self.column = start - begin + 1
        stop = sql.find("\n", start)
        text = sql[begin : stop if stop >= 0 else len(sql)]
        self.length = max(1, min(end if end is not None else start + 1, begin + len(text)) - start)
        sentence = f"{message} (line {self.line}, column {self.column})"
        if hint:
            sentence += f": {hint}"
        # A tab stays a tab, so that the underline stands below the word in any terminal.
        margin = "".join("\t" if letter == "\t" else " " for letter in text[: self.column - 1])
        self.message = message
        super().__init__(f"{sentence}\n{text}\n{margin}{'^' * self.length}" if sql.strip() else sentence)


class AdqlValueError(DataError, ValueError):
    """A good query meets a value in a row that it cannot be computed with, such as a text that spells no number."""
