"""The report as one HTML page: nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from importlib import resources
from string import Template
from typing import Any

from sklearn_timegen.evaluation._pictures import Picture
from sklearn_timegen.evaluation._verdicts import Verdict

__all__ = ["cards", "framed", "gallery", "items", "page", "table"]

SPARE = ("seconds", "best", "p")  # columns that a phone has no room for


def page(
    title: str,
    data: str,
    lead: str,
    verdicts: str,
    sections: Sequence[str],
    guide: dict[str, str],
    facts: Sequence[str],
    made_by: str,
) -> str:
    """Fill the template ``report.html``; all but ``verdicts`` and ``sections`` is plain text."""
    template = resources.files(__package__).joinpath("report.html").read_text(encoding="utf-8")
    return Template(template).substitute(
        title=html.escape(title),
        data=html.escape(data),
        lead=html.escape(lead),
        verdicts=verdicts,
        sections="\n".join(sections),
        guide="".join(
            f"<dt>{html.escape(word)}</dt><dd>{html.escape(text)}</dd>"
            for word, text in guide.items()
        ),
        facts="<br>".join(html.escape(fact) for fact in facts),
        made_by=html.escape(made_by),
    )


def cards(verdicts: Sequence[Verdict]) -> str:
    """Return the three verdicts, each with its number, its floor and what it means."""
    return f'<div class="verdicts">{"".join(map(_card, verdicts))}</div>'


def _card(verdict: Verdict) -> str:
    figure = ""
    if verdict.figure:
        floor = f" (real series: {html.escape(verdict.floor)})" if verdict.floor else ""
        figure = f'<p class="figure"><strong>{html.escape(verdict.figure)}</strong>{floor}</p>'
    return (
        f'<section class="verdict is-{verdict.kind}">'
        f"<h2>{verdict.aspect.capitalize()}: {html.escape(verdict.question)}</h2>"
        f'<p class="answer"><span class="{verdict.kind}">{html.escape(verdict.answer)}</span></p>'
        f'{figure}<p class="meaning">{html.escape(verdict.meaning)}</p></section>'
    )


def table(heading: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> str:
    """Return a table; a cell is text, or a pair of text and a class or a small second line."""
    head = "".join(
        f'<th scope="col"{_marked(column in SPARE)}>{html.escape(column)}</th>'
        for column in columns
    )
    n_shown = sum(column not in SPARE for column in columns) - 1
    body = "".join(
        f"<tr{' class=first' if row.get('first') else ''}>"
        + "".join(_cell(row[column], column in SPARE) for column in columns)
        + "</tr>"
        for row in rows
    )
    return (
        f'<h2>{html.escape(heading)}</h2><div class="wide">'
        f'<table style="--n:{n_shown}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def gallery(pictures: Sequence[Picture]) -> str:
    """Return all pictures; those of several that are compared stand beside each other."""
    if not pictures:
        return ""
    parts = ["<h2>Pictures</h2>"]
    alone = [_figure(p.images[""], p.caption) for p in pictures if list(p.images) == [""]]
    if alone:
        parts.append(f'<div class="figures">{"".join(alone)}</div>')
    for picture in pictures:
        if list(picture.images) == [""]:
            continue
        beside = "".join(_figure(png, name) for name, png in picture.images.items())
        parts.append(f"<h3>{html.escape(picture.caption)}</h3>")
        parts.append(f'<div class="figures">{beside}</div>')
    return "".join(parts)


def items(heading: str, texts: Sequence[str]) -> str:
    """Return a list of sentences."""
    listed = "".join(f"<li>{html.escape(text)}</li>" for text in texts)
    return f"<h2>{html.escape(heading)}</h2><ul>{listed}</ul>"


def framed(text: str) -> str:
    """Return a page in a frame of its own, as notebooks show it."""
    return (
        f'<iframe srcdoc="{html.escape(text)}" style="width: 100%; height: 45rem; border: 0" '
        'title="Evaluation report"></iframe>'
    )


def _figure(png: bytes, caption: str) -> str:
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
