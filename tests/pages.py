"""Pages of the documentation as programs: their blocks are run, and print what the page says."""

import contextlib
import io
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from threadpoolctl import threadpool_limits

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?!\w)")


@dataclass
class Page:
    """What the run of a page has left: its names, and what it printed beside what it says."""

    names: dict[str, Any]
    outputs: list[tuple[str, str]] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        return self.names[name]


def all_pages() -> list[Path]:
    """Every page that may hold code."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(text: str) -> Iterator[tuple[str, int, str]]:
    """Yield language, line and content of the fenced blocks of a page."""
    for block in BLOCK.finditer(text):
        yield block[1], text[: block.start(2)].count("\n"), block[2]


def has_code(page: Path) -> bool:
    return any(language == "python" for language, _, _ in blocks(page.read_text()))


def run(page: Path, monkeypatch: Any) -> Page:
    """Execute the python blocks of a page in their order, in one module.

    The first block of text after a python block stands for what that prints.
    """
    module = ModuleType(f"page_{page.stem}")
    # Classes that a page defines are pickled by the name of their module.
    monkeypatch.setitem(sys.modules, module.__name__, module)
    result, printed = Page(vars(module)), None
    for language, line, content in blocks(page.read_text()):
        if language == "python":
            # Empty lines before the block, so that a traceback has the page's line numbers.
            code = compile("\n" * line + content, str(page), "exec")
            # One thread: at these sizes, others only wait for each other.
            with contextlib.redirect_stdout(io.StringIO()) as stream, threadpool_limits(1):
                exec(code, vars(module))
            printed = stream.getvalue()
        elif language == "text" and printed is not None:
            result.outputs.append((content, printed))
            printed = None
    return result


def differences(expected: str, printed: str, absolute: float = 0.0, relative: float = 0.0) -> str:
    """Say in what a page's text differs from what was printed: "" if in nothing.

    Words have to be the same, and numbers alike as in ``math.isclose``; space does not count.
    """
    words, found = (NUMBER.sub("#", text).split() for text in (expected, printed))
    if words != found:
        return f"the page says\n{expected}\nbut printed was\n{printed}"
    pairs = list(zip(NUMBER.findall(expected), NUMBER.findall(printed), strict=True))
    close = {"abs_tol": absolute + 1e-9, "rel_tol": relative}
    wrong = [(a, b) for a, b in pairs if not math.isclose(float(a), float(b), **close)]
    return f"(told, printed): {wrong}, of\n{printed}" if wrong else ""
