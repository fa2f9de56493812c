"""Tests ask at public doors, so that the walls behind them can move: uses of what is private."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

MOST = 60
TESTS = Path(__file__).parent
# What docs/guides/own_generator.md promises to authors of generators: what these override, and may
# hand on to super(), and what they may call on self.
HOOKS = {"_fit", "_draw", "_make_net", "_encode", "_decode", "_inference", "_tensor"}
BY_NAME = {"setattr", "getattr", "hasattr", "delattr"}


def private(dotted: str) -> bool:
    parts = dotted.split(".")
    return any(p.startswith("_") and not p.startswith("__") and p != "_" for p in parts)


def attributes(node: ast.AST) -> Iterator[ast.Attribute]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Attribute))


def is_own(node: ast.Attribute) -> bool:
    """Whether it is ``self._x`` or ``cls._x``."""
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def defined(tree: ast.Module) -> set[str]:
    """Names that classes of the file define: methods, constants and what they set on self."""
    names = set()
    for cls in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        names |= {f.name for f in cls.body if isinstance(f, ast.FunctionDef)}
        names |= {
            node.attr
            for node in attributes(cls)
            if is_own(node) and isinstance(node.ctx, ast.Store)
        }
        for assigned in cls.body:
            if isinstance(assigned, ast.Assign | ast.AnnAssign):
                names |= {n.id for n in ast.walk(assigned) if isinstance(n, ast.Name)}
    return names


def uses(tree: ast.Module, ours: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and text of each use of a private name that is not the tests' own."""
    in_classes = {
        id(node)
        for cls in ast.walk(tree)
        if isinstance(cls, ast.ClassDef)
        for node in attributes(cls)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if private(a.name))
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from ((node.lineno, name) for name in names if private(name))
        elif isinstance(node, ast.Attribute) and private(node.attr):
            handed_on = node.attr in HOOKS and ast.unparse(node.value) == "super()"
            own = id(node) in in_classes and is_own(node) and node.attr in ours
            if not (handed_on or own):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in BY_NAME:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            named = [text for text in texts if isinstance(text, str) and private(text)]
            yield from ((node.lineno, ast.unparse(node)) for _ in named)


def test_few_tests_use_private_names():
    trees = {path.name: ast.parse(path.read_text()) for path in sorted(TESTS.rglob("*.py"))}
    ours = set().union(*map(defined, trees.values())) | HOOKS
    found = [
        f"{name}:{line}: {text}" for name, tree in trees.items() for line, text in uses(tree, ours)
    ]
    by_file = Counter(use.split(":")[0] for use in found).most_common()
    listed = "\n".join(found)
    print(f"{len(found)} uses of private names, {MOST} allowed: {dict(by_file)}\n{listed}")
    assert len(found) <= MOST, f"{len(found)} uses of private names:\n{listed}"


def test_uses_are_counted():
    tree = ast.parse(
        "import package._module, package.module\n"
        "from package._module import a, _b\n"
        "from package import c, _d\n"
        "class Own(Other):\n"
        "    def _fit(self, series):\n"
        "        super()._fit(series)\n"
        "        self._rows = self._theirs + series.__class__ + super()._enter\n"
        "x._net\n"
        "monkeypatch.setattr(x, '_step', 'package._module.N')\n"
        "'_l0'.removesuffix('_l0')\n"
    )
    assert sorted(text for _, text in uses(tree, defined(tree) | HOOKS)) == [
        *["monkeypatch.setattr(x, '_step', 'package._module.N')"] * 2,
        "package._d",
        "package._module",
        "package._module._b",
        "package._module.a",
        "self._theirs",
        "super()._enter",
        "x._net",
    ]
