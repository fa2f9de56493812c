"""The report as one HTML page: nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import html
from string import Template
from typing import Any

__all__ = ["figure", "page", "table"]

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #ccc; }
p, dd { max-width: 44rem; }
.facts { color: #444; font-size: .9rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums;
        width: 100%; }
th, td { padding: .3rem .5rem; text-align: right; border-bottom: 1px solid #ddd;
         white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 9rem;
         overflow-wrap: anywhere; }
th { border-bottom: 2px solid #888; }
tr.first td { border-top: 2px solid #bbb; }
td small { display: block; color: #555; font-weight: normal; }
.like { color: #00507a; } .like::before { content: "\\25CF\\00A0"; }
.open { color: #555; } .open::before { content: "?\\00A0"; }
.worse { color: #a13f00; } .worse::before { content: "\\25BC\\00A0"; }
figure { margin: 0 0 1.5rem; break-inside: avoid; }
figure img { width: 100%; max-width: 32rem; height: auto; }
figcaption { font-size: .9rem; color: #444; max-width: 36rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr));
           gap: 0 1.5rem; align-items: start; }
dt { font-weight: 600; margin-top: .6rem; } dd { margin: 0; }
@media (max-width: 40rem) {
  body { font-size: 15px; padding: .7rem; }
  table, thead, tbody { display: block; font-size: .8rem; }
  tr { display: grid; grid-template-columns: 1.7fr repeat(calc(var(--n) - 1), 1fr);
       border-bottom: 1px solid #ddd; }
  th, td { border: 0; padding: .15rem .2rem; white-space: normal; }
  th:first-child, td:first-child { grid-column: 1 / -1; font-weight: 600; }
  td small, .spare { display: none; } }
@media print { body { max-width: none; font-size: 11px; } h2 { break-after: avoid; }
  tr { break-inside: avoid; } th, td { white-space: normal; }
  td:nth-child(2) { white-space: nowrap; } .wide { overflow: visible; }
  .figures { grid-template-columns: 1fr 1fr; } }
</style>
</head>
<body>
<h1>$title</h1>
<p class="facts">$facts</p>
<p>$summary</p>
$tables
<h2>How to read it</h2>
<dl>$guide</dl>
$figures
<p class="facts">$made_by</p>
</body>
</html>
""")


def page(
    title: str,
    facts: list[str],
    summary: str,
    tables: list[str],
    guide: dict[str, str],
    figures: list[str],
    made_by: str,
) -> str:
    """Put the parts together; all but ``tables`` and ``figures`` are plain text."""
    pictures = "".join(figures)
    return _PAGE.substitute(
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
