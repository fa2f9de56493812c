"""The sections of an estimator's docstring that follow from what its class declares.

A docstring in the source tells what a class is, where it comes from and how it is used; what its
parameters and attributes are stands at their declarations. ``document`` puts the two together,
in numpydoc's order of sections.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

from sklearn_timegen._checks import type_text

__all__ = ["document"]

WIDTH = 95
AFTER_PARAMETERS = ("Attributes", "Methods", "See Also", "Notes", "References", "Examples")
AFTER_ATTRIBUTES = AFTER_PARAMETERS[1:]
HEADING = re.compile(r"^(?P<title>[A-Z][\w ]*)\n-{3,}$", re.MULTILINE)
ENTRY = re.compile(r"^(\w[\w, ]*?) :", re.MULTILINE)


def document(cls: Any, text: str | None) -> str:
    """Return a class's docstring, with sections on all of its parameters and attributes.

    Parameters
    ----------
    cls : type
        A class whose fields are declared.
    text : str or None
        The docstring of the source. What it says of a parameter itself stands.
    """
    text = inspect.cleandoc(text or "")
    parameters = [_entry(item, _parameter_type(item)) for item in _in_order(cls) if item.init]
    text = _with_section(text, "Parameters", parameters, AFTER_PARAMETERS, _fixed(cls))
    attributes = [*_fitted(cls), *_properties(cls)]
    return _with_section(text, "Attributes", attributes, AFTER_ATTRIBUTES)


def _in_order(cls: Any) -> Iterator[Field[Any]]:
    """Yield the fields, a class's own ones before those of its parents."""
    known = {item.name: item for item in fields(cls)}
    for parent in cls.__mro__:
        for name in inspect.get_annotations(parent):
            if name in known:
                yield known.pop(name)


def _entry(item: Field[Any], kind: str) -> str:
    doc = item.metadata.get("doc", "")
    if item.metadata.get("mutable"):
        doc += " May be changed after ``fit``."
    return "\n".join([f"{item.name} : {kind}", *_wrapped(doc)])


def _wrapped(doc: str) -> list[str]:
    margin = "    "
    return textwrap.wrap(
        " ".join(doc.split()),
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _parameter_type(item: Field[Any]) -> str:
    check = item.metadata.get("check")
    kind = item.metadata.get("type") or (
        type_text(check) if isinstance(check, list) else _annotated(item.type)
    )
    return kind if item.default is MISSING else f"{kind}, default={_shown(item.default)}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        inner = ", ".join(map(_shown, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    return str(getattr(value, "__name__", value))


def _annotated(annotation: Any) -> str:
    """Return an annotation as the source has it; nothing for one that says nothing."""
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return "object" if name == "Any" else str(name).removeprefix("np.")


def _fixed(cls: Any) -> str:
    """Return a sentence on what a named setting fixes."""
    pinned = [item for item in fields(cls) if item.metadata.get("pinned")]
    shown = ", ".join(f"``{item.name}={_shown(item.default)}``" for item in pinned)
    return textwrap.fill(f"Fixed here: {shown}.", WIDTH) if pinned else ""


def _fitted(cls: Any) -> Iterator[str]:
    for item in _in_order(cls):
        if not item.init and item.default is MISSING:
            yield _entry(item, item.metadata.get("type") or _annotated(item.type))


def _properties(cls: Any) -> Iterator[str]:
    """Yield the fitted attributes that are computed, by the first paragraph of their docstring."""
    told = {item.name for item in fields(cls)}
    for name, value in inspect.getmembers(cls, lambda value: isinstance(value, property)):
        if name.startswith("_") or not name.endswith("_") or name in told or not value.__doc__:
            continue
        kind = _annotated(inspect.get_annotations(value.fget).get("return", ""))
        doc = inspect.cleandoc(value.__doc__).split("\n\n")[0]
        yield "\n".join([f"{name} : {kind}", *_wrapped(doc)])


def _with_section(
    text: str, title: str, entries: list[str], before: tuple[str, ...], note: str = ""
) -> str:
    """Put a section into a docstring, or add to one that it has what that does not tell."""
    headings = list(HEADING.finditer(text))
    own = next((one for one in headings if one["title"] == title), None)
    if own is not None:
        following = (one.start() for one in headings if one.start() > own.start())
        end = next(following, len(text))
        told = {
            name for names in ENTRY.findall(text[own.end() : end]) for name in names.split(", ")
        }
        entries = [entry for entry in entries if entry.split(" :")[0] not in told]
        added = [text[:end].rstrip(), *entries]
        return "\n".join(added) + ("\n\n" + text[end:] if end < len(text) else "")
    if not entries:
        return text
    at = next((one.start() for one in headings if one["title"] in before), len(text))
    section = "\n".join([title, "-" * len(title), *entries])
    parts = [text[:at].rstrip(), note, section, text[at:]]
    return "\n\n".join(filter(None, parts))
