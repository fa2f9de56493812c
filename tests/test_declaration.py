"""Parameters and attributes that are written once: constructor, checks, help, further training."""

import inspect
import pickle
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV

from sklearn_timegen import VAE, WGANGP, BaseGenerator, OneStepGenerator, TimeVAE
from sklearn_timegen.base import (
    Interval,
    NeuralGenerator,
    StrOptions,
    estimator,
    fitted,
    mutable_parameters,
    param,
    pinned,
)
from sklearn_timegen.datasets import make_sines

from .generators import DENSE


@estimator
class Walk(BaseGenerator):
    """A random walk.

    References
    ----------
    Nobody.
    """

    step: float = param(
        default=1.0,
        doc="Standard deviation of a step.",
        check=[Interval(Real, 0, None, closed="neither")],
        mutable=True,
    )
    kind: str = param(default="free", doc="Which one.", check=[StrOptions({"free", "tied"})])
    n_walks: int = 3
    spread_: float = fitted("Spread of the data.")

    def _fit(self, series):
        self.spread_ = float(series.values.std())
        self._shape = series.values.shape[1:]

    def _draw(self, n_samples, c, rng):
        e = rng.standard_normal((n_samples, *self._shape))
        return (self.step * e.cumsum(axis=1)).astype(np.float32)


@estimator
class Stroll(Walk):
    """A slow walk."""

    step: float = 0.1
    kind: str = pinned("tied")
    n_walks: int = param(doc="How many.", check=[Interval(Integral, 1, None, closed="left")])


def entry(cls, name):
    """Return the lines of one entry of a class's docstring."""
    lines = inspect.getdoc(cls).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(f"{name} :"))
    following = (i for i, line in enumerate(lines[first + 1 :]) if not line.startswith(" "))
    return lines[first : first + 1 + next(following)]


def test_a_declaration_is_signature_default_check_and_entry():
    assert inspect.signature(Walk).parameters["step"].default == 1.0
    assert Walk().get_params()["kind"] == "free"
    with pytest.raises(ValueError, match="'step' parameter of Walk must be a float"):
        Walk(step=-1.0).fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="'kind' parameter of Walk must be a str among"):
        Walk(kind="other").fit(np.zeros((3, 4)))
    assert entry(Walk, "step") == [
        "step : float, default=1.0",
        "    Standard deviation of a step. May be changed after ``fit``.",
    ]
    assert entry(Walk, "kind")[0] == 'kind : {"free", "tied"}, default="free"'
    assert entry(Walk, "spread_") == ["spread_ : float", "    Spread of the data."]
    assert mutable_parameters(Walk) == {"step", "random_state"}


def test_sections_stand_in_the_order_of_numpydoc():
    lines = inspect.getdoc(Walk).splitlines()
    titles = [line for line, below in pairwise(lines) if set(below) == {"-"}]
    assert titles == ["Parameters", "Attributes", "References"]
    order = [line.split(" :")[0] for line in lines if " : " in line]
    assert order.index("step") < order.index("n_walks") < order.index("random_state")


def test_a_subclass_states_only_what_differs():
    assert entry(Stroll, "step")[0] == "step : float, default=0.1"
    assert entry(Stroll, "step")[1:] == entry(Walk, "step")[1:]
    assert entry(Stroll, "n_walks") == ["n_walks : int, default=3", "    How many."]
    assert 'Fixed here: ``kind="tied"``.' in inspect.getdoc(Stroll)
    assert "kind :" not in inspect.getdoc(Stroll)
    assert mutable_parameters(Stroll) == {"step", "random_state"}
    assert "kind" not in Stroll().get_params()
    with pytest.raises(TypeError, match="kind"):
        Stroll(kind="free")
    with pytest.raises(ValueError, match="'step' parameter of Stroll"):
        Stroll(step=-1.0).fit(np.zeros((3, 4)))
    with pytest.raises(ValueError, match="'n_walks' parameter of Stroll"):
        Stroll(n_walks=0).fit(np.zeros((3, 4)))


def test_a_fitted_attribute_has_no_value_before_fit_and_is_no_parameter():
    assert not hasattr(Walk(), "spread_")
    assert "spread_" not in inspect.signature(Walk).parameters
    walk = Walk().fit(np.arange(12.0).reshape(3, 4))
    assert walk.spread_ == pytest.approx(1, abs=0.01)
    assert pickle.loads(pickle.dumps(walk)).spread_ == walk.spread_
    assert not hasattr(clone(walk), "spread_")


def test_what_an_author_documents_stands():
    @estimator
    class Told(Walk):
        """Told by hand.

        Parameters
        ----------
        step : float
            My own words.

        See Also
        --------
        Walk : The parent.
        """

    assert entry(Told, "step")[1] == "    My own words."
    assert inspect.getdoc(Told).count("step :") == 1
    assert entry(Told, "kind")[1] == "    Which one."
    assert inspect.getdoc(Told).index("kind :") < inspect.getdoc(Told).index("See Also")


def test_constraints_stated_as_scikit_learn_does_are_heeded():
    @estimator
    class Old(Walk):
        speed: float = 1.0
        _parameter_constraints = {"speed": [Interval(Real, 0, 1, closed="both")]}

    for wrong in ({"speed": 2.0}, {"step": -1.0}):
        with pytest.raises(ValueError, match=f"{next(iter(wrong))}' parameter of Old"):
            Old(**wrong).fit(np.zeros((3, 4)))


def test_a_missing_decorator_is_named_before_anything_else():
    class Bare(Walk):
        speed: float = param(default=1.0, doc="Speed.")

    with pytest.raises(TypeError, match=r"Bare declares \['speed'\], but is not decorated"):
        Bare(speed=2.0)
    with pytest.raises(TypeError, match="not decorated with @estimator"):
        Bare()


def test_help_of_a_named_class_tells_everything_with_its_own_defaults():
    text = inspect.getdoc(WGANGP)
    signature = inspect.signature(WGANGP)
    for name, parameter in signature.parameters.items():
        head, *words = entry(WGANGP, name)
        shown = parameter.default
        assert head.endswith(f'default="{shown}"' if isinstance(shown, str) else f"={shown}")
        assert words, f"{name} is not described"
    assert "n_critic : int, default=5" in text
    assert 'Fixed here: ``loss="wasserstein"``, ``penalty="gradient"``' in text
    assert entry(TimeVAE, "max_epochs")[0] == "max_epochs : int, default=1000"


def test_what_may_change_in_further_training_is_declared():
    assert mutable_parameters(NeuralGenerator) < mutable_parameters(VAE)
    X = make_sines(20, 8, random_state=0)
    vae = VAE(**DENSE, max_epochs=1, random_state=0).fit(X)
    vae.set_params(beta=2.0)
    with pytest.raises(ValueError, match=r"beta changed from 1.0 to 2.0.* only batch_size, .*lr"):
        vae.partial_fit(X)


NUMPY_SCALARS = [
    np.int8(2),
    np.uint16(2),
    np.int64(2),
    np.float32(0.5),
    np.bool_(True),
    np.str_("a"),
]


@pytest.mark.parametrize("value", NUMPY_SCALARS, ids=lambda value: type(value).__name__)
def test_a_numpy_scalar_is_the_value_that_it_holds(value):
    walk = Walk(n_walks=value)
    assert walk.n_walks == value
    assert not isinstance(walk.n_walks, np.generic)
    assert type(clone(walk).n_walks) is type(value.item())
    assert type(Walk().set_params(n_walks=value).n_walks) is type(value.item())


def test_grids_of_numpy_numbers_are_searched():
    X = make_sines(24, 8, random_state=0)
    grid = {"batch_size": np.array([8, 16]), "lr": np.geomspace(1e-3, 1e-2, 2)}
    search = GridSearchCV(VAE(**DENSE, max_epochs=1), grid, cv=2, error_score="raise").fit(X)
    tried = [(row["batch_size"], row["lr"]) for row in search.cv_results_["params"]]
    assert tried == [(8, 1e-3), (8, 1e-2), (16, 1e-3), (16, 1e-2)]
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_fitted_numbers_keep_their_type():
    walk = Walk()
    walk.spread_ = np.float64(1)
    assert isinstance(walk.spread_, np.float64)


def test_an_estimator_need_not_be_ours():
    @estimator
    class Constant(BaseEstimator):
        value: float = 0.0

    assert Constant(value=2.0).get_params() == {"value": 2.0}


@estimator
class Renamed(Walk):
    """A walk whose step is called stride by now."""

    stride: float = param(default=1.0, doc="Length of a step.", check=[Real], formerly="pace")


def test_an_old_name_is_taken_for_one_release():
    with pytest.warns(FutureWarning, match="the parameter pace of Renamed is called stride now"):
        made = Renamed(pace=2.0)
    assert made.get_params()["stride"] == 2.0
    assert "pace" not in made.get_params()
    with pytest.warns(FutureWarning, match="pace of Renamed"):
        assert made.set_params(pace=3.0).stride == 3.0
    with pytest.raises(TypeError, match="was given stride and its old name pace"):
        Renamed(pace=2.0, stride=2.0)
    names = inspect.signature(Renamed).parameters
    assert "stride" in names
    assert "pace" not in names
    assert clone(made).stride == pickle.loads(pickle.dumps(made)).stride == 3.0
    with pytest.warns(FutureWarning, match="slope of WGANGP is called lipschitz now"):
        assert WGANGP(slope=2.0).lipschitz == 2.0
    with pytest.warns(FutureWarning, match="frozen_share of OneStepGenerator is called frozen_fr"):
        assert OneStepGenerator(frozen_share=0.5).frozen_fraction == 0.5
