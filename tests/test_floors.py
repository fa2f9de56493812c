"""Imports go down only: the picture in docs/design.md, held by the syntax tree."""

import ast
from pathlib import Path

import sklearn_timegen

PACKAGE = Path(sklearn_timegen.__file__).parent

FLOORS = {
    "_cli": 6,
    "_cli_run": 6,
    "__main__": 6,
    "estimator_checks": 5,
    "evaluation": 5,
    "forecasting": 6,
    "vae": 4,
    "gan": 4,
    "flow": 4,
    "autoregressive": 4,
    "forcing": 5,
    "timegan": 4,
    "distillation": 4,
    "classical": 4,
    "metrics": 4,
    "synthetic_training": 4,
    "plotting": 4,
    "series": 5,
    "resampling": 5,
    "base": 3,
    "training": 2,
    "nn": 1,
    "objectives": 1,
    "representation": 1,
    "rules": 1,
    "data": 0,
    "_checks": 0,
    "_choosing": 0,
    "_distance": 0,
    "_joining": 0,
    "_mixture": 0,
    "_random": 0,
    "_remedies": 0,
    "_rows": 0,
    "_shifted_log": 0,
    "_types": 0,
    "_warning": 0,
    "datasets": 0,
    "io": 0,
    "model_selection": 0,
    "privacy": 0,
}
# On floor 0, the data and helpers (with an underscore) may be used by the others; on others,
# siblings never.
HELPERS = {"data"} | {n for n, floor in FLOORS.items() if floor == 0 and n.startswith("_")}
SAME_FLOOR = {
    ("__main__", "_cli"),
    ("_cli_run", "_cli"),
    ("distillation", "flow"),
    ("plotting", "metrics"),
}


# Modules of data that are imported on demand only, since they are made of frames.
OF_FRAMES = {"clocks", "kinds", "schema", "segments", "typed", "windows", "_table"}


def home(name: str) -> str:
    """The module or package that a public name, or a module, stands in."""
    if (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir():
        return name
    return getattr(sklearn_timegen, name).__module__.split(".")[1]


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn_timegen."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "sklearn_timegen":
            names |= {home(alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {
                a.name.split(".")[1] for a in node.names if a.name.startswith("sklearn_timegen.")
            }
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"relative import in {path}"
    return names


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if name != "__init__":
            yield name, path


def test_every_module_has_a_floor():
    assert {name for name, _ in modules()} == set(FLOORS)


def test_imports_go_down():
    upward = []
    for name, path in modules():
        for other in imported(path) - {name}:
            allowed = FLOORS[other] < FLOORS[name] or (name, other) in SAME_FLOOR
            if not (allowed or (FLOORS[name] == 0 and other in HELPERS)):
                upward.append(f"{path.name} imports {other}")
    assert not upward


def test_networks_and_objectives_do_not_know_each_other():
    for name, path in modules():
        if name in ("nn", "objectives"):
            assert imported(path) <= {name}


HEAVY = {"opacus", "sktime", "matplotlib", "statsmodels", "pandas", "pooch", "ot", "umap"}


def test_heavy_packages_are_imported_on_demand_only():
    for name, path in modules():
        if name == "forecasting" or path.stem in OF_FRAMES:
            continue  # imported on demand only, and made of sktime's classes, or of frames
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                whole = isinstance(node, ast.Import)
                names = [alias.name for alias in node.names] if whole else [node.module]
                roots = {name.split(".")[0] for name in names}
                assert not roots & HEAVY, f"{path.name}: {ast.unparse(node)}"
