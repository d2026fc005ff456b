"""Write a report of headings, paragraphs, tables and pictures as Markdown and as one self-contained HTML page."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path


@dataclass
class Heading:
    text: str
    level: int = 2


@dataclass
class Paragraph:
    text: str


@dataclass
class Rows:
    """A table of texts; columns of numbers are aligned to the right."""

    names: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass
class Picture:
    file: str
    caption: str


Block = Heading | Paragraph | Rows | Picture

_CSS = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem; display: block; overflow-x: auto }
th, td { padding: 0.25rem 0.7rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top }
.n { text-align: right; font-variant-numeric: tabular-nums }
figure { margin: 1.5rem 0 } img { max-width: 100% } figcaption { color: #555; font-size: 0.9rem }
"""


def markdown(blocks: Sequence[Block], pictures: str) -> str:
    """Write the blocks as Markdown that links to pictures in the folder `pictures`."""
    return "\n\n".join(_markdown(block, pictures) for block in blocks) + "\n"


def _markdown(block: Block, pictures: str) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {text}"
        case Paragraph(text):
            return text
        case Picture(file, caption):
            return f"![{caption}]({pictures}/{file})"
        case Rows(names, rows):
            rule = [" ---: " if _numbers(rows, place) else " --- " for place in range(len(names))]
            lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in (names, *rows)]
            return "\n".join([lines[0], f"|{'|'.join(rule)}|", *lines[1:]])


def html(title: str, blocks: Sequence[Block], pictures: Path) -> str:
    """Write the blocks as one HTML page with the pictures of the folder `pictures` inside."""
    body = "\n".join(_html(block, pictures) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_CSS}</style></head>\n<body>\n{body}\n'
        "</body></html>\n"
    )


def _html(block: Block, pictures: Path) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{_inline(text)}</p>"
        case Picture(file, caption):
            data = base64.b64encode((pictures / file).read_bytes()).decode()
            image = f'<img src="data:image/png;base64,{data}" alt="{escape(caption)}">'
            return f"<figure>{image}<figcaption>{_inline(caption)}</figcaption></figure>"
        case Rows(names, rows):
            kinds = [' class="n"' if _numbers(rows, place) else "" for place in range(len(names))]
            head = "".join(f"<th{kind}>{_inline(name)}</th>" for name, kind in zip(names, kinds, strict=True))
            lines = (
                "".join(f"<td{kind}>{_inline(cell)}</td>" for cell, kind in zip(line, kinds, strict=True))
                for line in rows
            )
            return f"<table><tr>{head}</tr>\n" + "\n".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _inline(text: str) -> str:
    """Turn Markdown's `code` and **bold** into HTML."""
    parts = escape(text).split("`")
    text = "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))
    parts = text.split("**")
    return "".join(f"<b>{part}</b>" if place % 2 else part for place, part in enumerate(parts))


def _numbers(rows: Sequence[Sequence[str]], place: int) -> bool:
    cells = [row[place].strip("*") for row in rows if row[place].strip("*") not in ("", "-")]
    return bool(cells) and all(
        cell.replace(",", "").replace(".", "").lstrip("-").removesuffix("%").isdigit() for cell in cells
    )
