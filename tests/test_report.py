"""The report is one page that needs nothing else."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from sklearn_timegen import VAE, EvaluationReport, NeighbourInterpolation, PCAMixture
from sklearn_timegen.__main__ import main
from sklearn_timegen.datasets import make_ar

from .generators import DENSE
from .global_seed import GLOBAL_RANDOM_SEED as SEED

CHEAP = ["mmd", "near_copy_fraction"]


class Page(HTMLParser):
    """Counts elements, checks that all that open close, and keeps sources and text."""

    def __init__(self, text):
        super().__init__()
        self.open, self.counts, self.sources, self.words = [], {}, [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture
def X():
    return make_ar(60, 12, 1, random_state=SEED)[:, :, 0]


def test_report_of_a_generator(X, tmp_path):
    generator = VAE(**DENSE, max_epochs=2)
    report = EvaluationReport.from_estimator(generator, X, cv=2, metrics=CHEAP)
    page = Page(report.to_html(tmp_path / "report.html").read_text())
    assert page.counts["img"] == 7  # series, plane, marginals, ACF, memory, training, latents
    assert all(source.startswith("data:image/png;base64,") for source in page.sources)
    for word in (
        "floor",
        "copies",
        "mmd",
        "near_copy_fraction",
        "VAE",
        "60 series of 12 timesteps",
    ):
        assert word in page.text
    assert f"{report.table.loc['mmd', 'score']:.4f}" in page.text


def test_report_of_copies_says_so(X, tmp_path):
    report = EvaluationReport.from_samples(
        X[:30], X[30:], X_train=X[30:], metrics=CHEAP, n_splits=4
    )
    page = Page(report.to_html(tmp_path / "report.html").read_text())
    assert "These do: near_copy_fraction" in page.text
    assert page.words.count("copies") >= 2  # the column, and the reading


def test_report_of_a_comparison(X, tmp_path):
    generators = {"<mixture>": PCAMixture(), "near": NeighbourInterpolation()}
    report = EvaluationReport.from_comparison(generators, X, cv=2, metrics=CHEAP)
    text = report.to_html(tmp_path / "report.html").read_text()
    page = Page(text)
    assert "<mixture>" not in text
    assert "<mixture>" in page.text
    assert page.counts["table"] == 4  # verdicts, columns, ranks, figures
    assert page.counts["img"] == 6


def test_bad_requests(X, tmp_path):
    with pytest.raises(TypeError, match="folds"):
        EvaluationReport.from_estimator(PCAMixture(), X, folds=3)
    report = EvaluationReport.from_estimator(PCAMixture(), X, cv=2, metrics="mmd")
    with pytest.raises(ValueError, match=r"\.html"):
        report.to_html(tmp_path / "report.pdf")
    with pytest.raises(FileNotFoundError, match="no directory"):
        report.to_html(tmp_path / "nowhere" / "report.html")


def test_command_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for k, (name, n) in enumerate({"real": 60, "new": 40}.items()):
        rows = make_ar(n, 12, 2, random_state=SEED + k).reshape(-1, 2)
        sample, timestep = np.divmod(np.arange(len(rows)), 12)
        columns = {"sample": sample, "timestep": timestep, "a": rows[:, 0], "b": rows[:, 1]}
        pd.DataFrame(columns).to_csv(f"{name}.csv", index=False)
    arguments = ["evaluate", "real.csv", "new.csv", "--splits", "2"]
    named = [*arguments, "--metrics", "mmd", "near_copy_fraction"]
    assert main([*named, "--report", "r.html", "--output", "t.csv"]) == 0
    shown = capsys.readouterr().out
    for word in ("60 by sample", "floor", "copies", "near_copy_fraction", "r.html"):
        assert word in shown
    assert (tmp_path / "t.csv").read_text().startswith("metric,score,std,floor,copies,direction")
    assert Page((tmp_path / "r.html").read_text()).counts["img"] == 5
    assert main([*arguments, "--metrics", "fid"]) == 1
    assert "'fid' is no metric" in capsys.readouterr().err
