"""The report as one HTML page: nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import html
from importlib import resources
from string import Template
from typing import Any

__all__ = ["figure", "page", "table"]


def page(
    title: str,
    facts: list[str],
    summary: str,
    tables: list[str],
    guide: dict[str, str],
    figures: list[str],
    made_by: str,
) -> str:
    """Fill the template ``report.html``; all but ``tables`` and ``figures`` are plain text."""
    template = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    pictures = "".join(figures)
    return Template(template).substitute(
        title=html.escape(title),
        facts="<br>".join(html.escape(fact) for fact in facts),
        summary=html.escape(summary),
        tables="\n".join(tables),
        guide="".join(
            f"<dt>{html.escape(word)}</dt><dd>{html.escape(text)}</dd>"
            for word, text in guide.items()
        ),
        figures=f'<h2>Pictures</h2><div class="figures">{pictures}</div>' if figures else "",
        made_by=html.escape(made_by),
    )


def table(heading: str, columns: list[str], rows: list[dict[str, Any]]) -> str:
    """Return a table; a cell is text, or a pair of text and a class or a small second line."""
    spare = ["seconds", "best", "p"]  # what a phone has no room for
    head = "".join(
        f'<th scope="col"{_marked(column in spare)}>{html.escape(column)}</th>'
        for column in columns
    )
    n_shown = sum(column not in spare for column in columns) - 1
    body = "".join(
        f"<tr{' class=first' if row.get('first') else ''}>"
        + "".join(_cell(row[column], column in spare) for column in columns)
        + "</tr>"
        for row in rows
    )
    return (
        f'<h2>{html.escape(heading)}</h2><div class="wide">'
        f'<table style="--n:{n_shown}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def figure(png: bytes, caption: str) -> str:
    """Return a picture that is part of the page."""
    data = base64.b64encode(png).decode()
    words = html.escape(caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{words}">'
        f"<figcaption>{words}</figcaption></figure>"
    )


def _marked(spare: bool) -> str:
    return " class=spare" if spare else ""


def _cell(value: Any, spare: bool) -> str:
    if isinstance(value, tuple) and value[0] in ("like", "worse", "open"):
        return f'<td><span class="{value[0]}">{html.escape(value[1])}</span></td>'
    if isinstance(value, tuple):
        return f"<td>{html.escape(value[0])}<small>{html.escape(value[1])}</small></td>"
    return f"<td{_marked(spare)}>{html.escape(str(value))}</td>"
