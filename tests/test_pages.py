"""Every code block of the README and the pages runs, and every command in them is there."""

import ast
import importlib.util
import inspect
import os
import re
import shlex
import tomllib

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import sklearn_timegen
from sklearn_timegen import R3GAN, OneStepGenerator, _joining, datasets
from sklearn_timegen.__main__ import main
from sklearn_timegen.training import GeneratorNet

from .pages import ROOT, all_pages, blocks, differences, has_code, run

pytest.importorskip("sktime")
pytest.importorskip("matplotlib")

GUIDES = ROOT / "docs" / "guides"
# The guides are quick as they are, and run as they are (test_guides.py).
PAGES = [page for page in all_pages() if has_code(page) and page.parent != GUIDES]
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def titles(pages):
    return [str(page.relative_to(ROOT)) for page in pages]


@pytest.fixture
def stocks(monkeypatch, quick_joining):
    """Prices that keep what Google's keep, where these are not to be had."""
    # Small ridges make a walk's joined windows run away; the search for one sees that, and is
    # what quick joining leaves out.
    monkeypatch.setattr(_joining, "RIDGES", (1e6,))
    if not os.environ.get(datasets.DATA_VARIABLE):
        monkeypatch.setattr(datasets, "load_stocks", made_up_stocks)


def made_up_stocks(n=3685):
    rng = np.random.default_rng(0)
    close = 50 * np.exp((0.0007 + 0.02 * rng.normal(size=n)).cumsum())
    low = close * np.exp(-0.01 * rng.exponential(size=n))
    high = close * np.exp(0.01 * rng.exponential(size=n))
    first = low + (high - low) * rng.random(n)
    volume = np.exp(15 + 0.7 * rng.normal(size=n))
    return np.stack([first, high, low, close, close, volume], axis=1)


@pytest.fixture
def brief(monkeypatch, stocks):
    """Let the very text of a page run in seconds: networks learn little, from few series."""
    trained = GeneratorNet.partial_fit

    def partial_fit(self, X, y=None, classes=None, **params):
        if hasattr(self, "early_epochs"):
            self.early_epochs = dict.fromkeys(self.early_epochs, 1)
        return trained(self, X, y, classes, **params | {"epochs": 1})

    monkeypatch.setattr(GeneratorNet, "partial_fit", partial_fit)
    for cls, name in ((OneStepGenerator, "n_pairs"), (R3GAN, "encoder_steps")):
        defaults = inspect.unwrap(cls.__init__).__kwdefaults__
        assert name in defaults
        monkeypatch.setitem(defaults, name, 64)
    X, y = datasets.load_italy_power()
    few = np.arange(0, len(X), 20)
    monkeypatch.setattr(datasets, "load_italy_power", lambda: (X[few], y[few]))
    # Workers would not know of all this; and boosting's threads only wait for each other.
    with joblib.parallel_config("sequential"), threadpool_limits(1):
        yield


@pytest.mark.filterwarnings("ignore:the posterior has collapsed")
@pytest.mark.parametrize("page", PAGES, ids=titles(PAGES))
def test_every_block_runs(page, brief, monkeypatch):
    run(page, monkeypatch)


@pytest.mark.parametrize("page", all_pages(), ids=titles(all_pages()))
def test_no_block_is_of_a_language_that_no_test_reads(page):
    read = {"python", "text", "{toctree}"}
    fences = re.findall(r"^ *(?:```|~~~)(\S*)", page.read_text(), re.MULTILINE)
    assert set(fences[::2]) <= read
    assert not any(fences[1::2])


# -- what a page says in passing ------------------------------------------------------------------


def spans(page):
    """Inline code of a page, in one line."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in SPAN.findall(prose)]


def commands(page):
    """Lines of a shell, in the text or set apart."""
    apart = re.findall(r"^ {4}((?:make|python) .*)$", page.read_text(), re.MULTILINE)
    return [*apart, *(span for span in spans(page) if re.match(r"(make|python -m) ", span))]


COMMANDS = sorted({command for page in all_pages() for command in commands(page)})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_there(command, capsys):
    words = shlex.split(command)
    if words[0] == "make":
        targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        assert set(words[1:]) <= set(targets)
        return
    assert words[:2] == ["python", "-m"]
    assert importlib.util.find_spec(words[2])
    if words[2] == "sklearn_timegen":
        options = {word for word in words[3:] if word.startswith("-")}
        with pytest.raises(SystemExit):
            main([*(word for word in words[3:4] if not word.startswith("-")), "--help"])
        shown = capsys.readouterr().out
        assert all(option in shown for option in options)


def test_the_commands_of_the_readme_run(tmp_path, monkeypatch, capsys):
    sample, evaluate = (
        next(shlex.split(line)[3:] for line in COMMANDS if f"{command} sales.csv" in line)
        for command in ("sample", "evaluate")
    )
    monkeypatch.chdir(tmp_path)
    walk = np.cumsum(np.random.default_rng(0).normal(size=(150, 2)), axis=0) + 100
    header = "open,close"
    np.savetxt("sales.csv", walk, delimiter=",", header=header, comments="", fmt="%.2f")
    assert main(sample) == 0
    text = (tmp_path / "synthetic.csv").read_text()
    assert text.startswith("open,close\n")
    assert len(text.splitlines()) == 151
    assert main([*evaluate, "--metrics", "mmd", "--splits", "2", "--window", "8"]) == 0
    assert (tmp_path / "report.html").exists()


def constructions(page):
    """Calls of public classes in inline code."""
    for span in spans(page):
        try:
            call = ast.parse(span, mode="eval").body
        except SyntaxError:
            continue
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            cls = getattr(sklearn_timegen, call.func.id, None)
            if isinstance(cls, type):
                yield span


CONSTRUCTIONS = sorted({span for page in all_pages() for span in constructions(page)})
REFUSED = ['TimeVAE(decoder="dense")', 'WGANGP(loss="hinge")']


@pytest.mark.parametrize("span", CONSTRUCTIONS)
def test_every_construction_has_the_arguments_of_its_class(span):
    call = ast.parse(span, mode="eval").body
    signature = inspect.signature(getattr(sklearn_timegen, call.func.id))
    names = {keyword.arg: keyword.value for keyword in call.keywords}
    if span in REFUSED:  # and the page says so
        with pytest.raises(TypeError):
            signature.bind_partial(*call.args, **names)
    else:
        signature.bind_partial(*call.args, **names)


def test_installation_is_from_a_checkout():
    """On an index there is nothing of this name."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = extras["optional-dependencies"]
    for page in all_pages():
        for line in re.findall(r"pip\s+install[^`]*", page.read_text()):
            assert "sklearn-timegen" not in line, page
            for asked in re.findall(r"\.\[([^\]]*)\]", line):
                assert set(asked.split(",")) <= set(extras), page


# -- what was measured ----------------------------------------------------------------------------


def rows(text):
    """Rows of the tables of a text: cells by the column's title, and the section they are in."""
    section, titles = "", None
    for line in text.splitlines():
        if line.startswith("#"):
            section = line.strip("# ").split(",")[0].removesuffix(" (TimeGAN)")
        if not line.startswith("|"):
            titles = None
            continue
        cells = [cell.strip(" *") for cell in line.split("|")[1:-1]]
        if titles is None:
            titles = cells
        elif set("".join(cells)) != {"-"}:
            yield section, dict(zip(titles, cells, strict=True))


MEASURED = {
    (section, row[""]): row
    for section, row in rows((ROOT / "benchmarks" / "results" / "quality.md").read_text())
}
RENAMED = {"10,000 s": "sample 10,000 s"}


@pytest.mark.parametrize("name", ["flow", "gan", "timegan"])
def test_tables_of_the_families_are_those_of_the_benchmark(name):
    text = (ROOT / "docs" / f"{name}.md").read_text()
    scores = [row for _, row in rows(text) if "DS, GRU" in row]
    assert scores
    for row in scores:
        measured = MEASURED[row["set"], row[""]]
        for column in row.keys() - {"", "set"}:
            figure = row[column].split(" ")[0]
            if figure:
                found = measured[RENAMED.get(column, column)].split(" ")[0]
                step = 10.0 ** -len(figure.partition(".")[2])
                assert abs(float(figure) - float(found)) <= 0.51 * step, (row[""], column)


# -- what the README says comes out ---------------------------------------------------------------


def test_the_page_on_rules_says_what_comes_out(monkeypatch):
    # Joined by what 50 windows tell, some series of 500 timesteps diverge: here they tell all.
    page = run(ROOT / "docs" / "rules.md", monkeypatch)
    tolerances = 0.2, 0.2, 1e-4, 0.0, 0.0, 0.0, 0.0, 0.2, 1.5
    for (expected, printed), tolerance in zip(page.outputs, tolerances, strict=True):
        assert not differences(expected, printed, tolerance)


@pytest.mark.exhaustive
def test_the_readme_says_what_comes_out(stocks, monkeypatch, capsys):
    page = run(ROOT / "README.md", monkeypatch)
    for (expected, printed), tolerance in zip(page.outputs, (1.5, 0.02, 0.1), strict=True):
        assert not differences(expected, printed, tolerance)


@pytest.mark.exhaustive
def test_the_demo_says_what_comes_out(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "--jobs", "1"]) == 0
    texts = [content for _, _, content in blocks((ROOT / "README.md").read_text())]
    expected = next(content for content in texts if content.startswith("accuracy"))
    printed = capsys.readouterr().out
    printed = printed[printed.index(expected.split("\n")[0]) :]
    printed = "\n".join(printed.splitlines()[: len(expected.splitlines())])
    assert not differences(expected, printed, 0.02)
