"""Files without code: what comes back, what is refused, and what real data they hold."""

import datetime
import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_timegen
from sklearn_timegen import (
    GAN,
    VAE,
    BlockBootstrap,
    FlowMatching,
    PCAMixture,
    SeriesGenerator,
    TimeGAN,
    TSTRClassifier,
)
from sklearn_timegen.base import estimator
from sklearn_timegen.datasets import make_sines
from sklearn_timegen.estimator_checks._trial import Trial
from sklearn_timegen.io import CannotSave, FileRefused, describe, register
from sklearn_timegen.io.saved import KINDS, names
from sklearn_timegen.io.saved.arrays import ArrayReader
from sklearn_timegen.io.saved.tree import Decoder, Encoder
from tests.generators import FLOWING, GENERATORS, PHASED, PLAYING, Resampler, name

SEED = 0
X = make_sines(24, 12, 2, version="timevae", random_state=SEED)
CODED = {"encoder": "dense", "decoder": "dense", "hidden_dims": (8,), "latent_dim": 2}


def equal(a, b):
    if isinstance(a, pd.DataFrame | pd.Series):
        return a.equals(b) and list(a.index) == list(b.index)
    return np.array_equal(a, b, equal_nan=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "one.timegen"


# -- what comes back ------------------------------------------------------------------------------


@pytest.mark.parametrize("generator", GENERATORS, ids=name)
def test_every_generator_goes_on_training_as_if_it_had_not_been_saved(generator, path):
    if not hasattr(generator, "partial_fit"):
        pytest.skip("is not trained further")
    fitted = Trial(generator, SEED).fresh().fit(X)
    fitted.save(path, training_state=True)
    loaded = sklearn_timegen.load(path)
    assert equal(fitted.partial_fit(X).sample(3), loaded.partial_fit(X).sample(3))
    assert len(loaded.history_) == len(fitted.history_)


def test_further_training_tells_of_an_optimizer_that_was_not_saved(path):
    VAE(**CODED, max_epochs=1, random_state=SEED).fit(X).save(path)
    loaded = sklearn_timegen.load(path)
    with pytest.warns(UserWarning, match="optimizer begins anew"):
        loaded.partial_fit(X)
    loaded.partial_fit(X)  # it has a memory by now


def table():
    rng = np.random.default_rng(SEED)
    times = pd.date_range("2024-01-01", periods=40, tz="Europe/Berlin")
    return pd.DataFrame(
        {
            "shop": np.repeat(["a", "b", "c"], 40),
            "day": np.tile(times, 3),
            "sold": rng.poisson(9, 120),
            "price": rng.normal(size=120).round(2),
            "weather": pd.Categorical(rng.choice(["sun", "rain"], 120)),
            "town": np.repeat(["n", "s", "n"], 40),
        }
    )


def others():
    series = pd.Series(np.sin(np.arange(90.0)), pd.period_range("2020", periods=90, freq="M"))
    y = np.repeat(["slow", "fast"], 12)
    predictor = make_pipeline(StandardScaler(), LogisticRegression())
    keys = {"id_columns": "shop", "time_column": "day"}
    return {
        "table": SeriesGenerator(PCAMixture(), window=8, random_state=SEED, **keys).fit(table()),
        "irregular": SeriesGenerator(
            PCAMixture(), window=8, time="irregular", random_state=SEED, **keys
        ).fit(table()),
        "differences": SeriesGenerator(
            PCAMixture(), window=8, transform="difference", random_state=SEED
        ).fit(series),
        "flow": SeriesGenerator(FlowMatching(**FLOWING), window=8, random_state=SEED).fit(series),
        "tstr": TSTRClassifier(PCAMixture(), predictor, random_state=SEED).fit(X, y),
        "vae": VAE(**CODED, max_epochs=2, prior="flow", random_state=SEED).fit(X),
        "gan": GAN(**PLAYING, random_state=SEED).fit(X),
        "timegan": TimeGAN(**PHASED, random_state=SEED).fit(X),
    }


def outcome(fitted):
    return fitted.predict_proba(X) if hasattr(fitted, "predict_proba") else fitted.sample(3)


IN_ANOTHER_PROCESS = """
import pickle, sys
import numpy, torch
import sklearn_timegen
from tests.test_save import outcome
def refuse(*args, **kwargs):
    raise AssertionError("unpickled")
class Refusing(pickle.Unpickler):  # a class still: what is imported later may inherit
    __init__ = refuse
pickle.Unpickler, pickle.load, pickle.loads, torch.load = Refusing, refuse, refuse, refuse
from pathlib import Path
for path in sorted(Path(sys.argv[1]).glob("*.timegen")):
    numpy_like = outcome(sklearn_timegen.load(path))
    values = getattr(numpy_like, "to_csv", lambda: numpy.asarray(numpy_like).tobytes().hex())()
    path.with_suffix(".txt").write_text(values)
"""


def test_the_same_bits_in_another_process_that_cannot_unpickle(tmp_path):
    fitted = others()
    for key, one in fitted.items():
        one.save(tmp_path / f"{key}.timegen")
    environment = os.environ | {"OMP_NUM_THREADS": "2", "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, tmp_path]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for key, one in fitted.items():
        here = outcome(one)
        here = here.to_csv() if hasattr(here, "to_csv") else np.asarray(here).tobytes().hex()
        assert (tmp_path / f"{key}.txt").read_text() == here, key


def test_an_unfitted_estimator_is_saved_with_its_parameters(path):
    SeriesGenerator(VAE(lr=2e-3, hidden_dims=(3, 4)), window=5).save(path)
    loaded = sklearn_timegen.load(path)
    assert loaded.get_params()["generator__hidden_dims"] == (3, 4)
    assert loaded.window == 5
    assert not describe(path)["fitted"]


def test_equal_estimators_make_equal_files(tmp_path):
    fitted = PCAMixture(random_state=SEED).fit(X)
    fitted.save(tmp_path / "a")
    fitted.save(tmp_path / "b")
    sklearn_timegen.load(tmp_path / "a").save(tmp_path / "c")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() == (tmp_path / "c").read_bytes()


def there_and_back(value):
    encoder = Encoder(KINDS)
    tree = json.loads(json.dumps(encoder.encode(value, "it"), allow_nan=False))
    return Decoder(KINDS, ArrayReader(encoder.arrays.to_bytes())).decode(tree)


ZONE = "America/New_York"
VALUES = {
    "numbers": [
        1,
        2.5,
        float("inf"),
        True,
        None,
        10**30,
        1 + 2j,
        b"\x00\xff",
        "\u00e9\udc80 \x00",
    ],
    "containers": (
        {1: (2, 3), (4, None): [5]},
        frozenset({7}),
        range(3),
        slice(1, None),
    ),
    "set": {6, "a", None},
    "scalars": [np.float32(0.1), np.int8(-3), np.str_("a"), np.datetime64("2024-01-01", "D")],
    "order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "words": np.array(["a", "bcd"]),
    "objects": np.array(["a", None, 3], dtype=object),
    "dates": np.array(["2024-01-01", "NaT"], dtype="M8[s]"),
    "complex": np.array([1 + 2j, 3 - 1j]),
    "empty": np.zeros((0, 3), np.float32),
    "times": [
        datetime.datetime(2024, 1, 2, 3, 4, 5, 6),
        datetime.date(2024, 1, 2),
        datetime.timedelta(days=-1, microseconds=3),
        pd.Timestamp("2024-03-10 08:30", tz=ZONE),
        pd.Timedelta("1h"),
        pd.Period("2024-02", "M"),
        pd.offsets.MonthEnd(2),
        Decimal("1.10"),
    ],
    "dtypes": [
        pd.CategoricalDtype(["b", "a"], ordered=True),
        pd.DatetimeTZDtype("us", ZONE),
        pd.Int64Dtype(),
        pd.StringDtype(),
        np.dtype("M8[ns]"),
    ],
}


@pytest.mark.parametrize("key", VALUES)
def test_values_come_back_as_they_are(key):
    value = VALUES[key]
    back = there_and_back(value)
    assert type(back) is type(value)
    if isinstance(value, np.ndarray):
        assert back.dtype == value.dtype
        assert back.flags.f_contiguous == value.flags.f_contiguous
        assert repr(back) == repr(value)
    elif isinstance(value, set):  # printed in whatever order hashes and insertions leave
        assert sorted(map(repr, back)) == sorted(map(repr, value))
    else:
        assert back == value
        assert repr(back) == repr(value)


@pytest.mark.parametrize(
    "index",
    [
        pd.RangeIndex(3, 9, 2, name="n"),
        pd.Index(["a", "b", "c"], name="word"),
        pd.date_range("2024-03-09", periods=3, freq="D", tz=ZONE),
        pd.date_range("2024-01-31", periods=3, freq="ME", name="month"),
        pd.period_range("2024-01", periods=3, freq="Q"),
        pd.timedelta_range("1h", periods=3),
        pd.CategoricalIndex(["x", "y", "x"]),
        pd.MultiIndex.from_product([["a"], pd.date_range("2024", periods=3)], names=["u", None]),
    ],
    ids=lambda index: type(index).__name__,
)
def test_frames_come_back_as_they_are(index):
    frame = pd.DataFrame(
        {
            "float": [1.0, np.nan, 3.0],
            2: pd.array([1, None, 3], dtype="Int64"),
            "word": ["a", None, "c"],
            "kind": pd.Categorical(["u", "v", None]),
            "when": pd.to_datetime(["2024-01-01", None, "2024-01-03"]).tz_localize("UTC"),
        },
        index=index,
    )
    back = there_and_back(frame)
    pd.testing.assert_frame_equal(back, frame, check_freq=True)
    pd.testing.assert_series_equal(there_and_back(frame["when"]), frame["when"])


def test_what_is_one_object_stays_one():
    one = [1]
    cycle = {"one": one, "again": one}
    cycle["itself"] = cycle
    back = there_and_back(cycle)
    assert back["one"] is back["again"]
    assert back["itself"] is back


@pytest.mark.parametrize(
    "rng", [np.random.default_rng(3), np.random.RandomState(3), torch.Generator().manual_seed(3)]
)
def test_random_streams_go_on(rng):
    back = there_and_back(rng)
    if isinstance(rng, torch.Generator):
        assert torch.equal(torch.rand(4, generator=back), torch.rand(4, generator=rng))
    else:
        assert np.array_equal(back.normal(size=4), rng.normal(size=4))


# -- what cannot be saved -------------------------------------------------------------------------


@estimator
class Own(Resampler):
    pass


def test_a_class_of_ones_own_is_saved_once_it_is_registered(path, monkeypatch):
    fitted = Own(random_state=SEED).fit(X)
    with pytest.raises(CannotSave, match=r"tests.test_save.Own.*register.*joblib"):
        fitted.save(path)
    monkeypatch.setattr(names, "REGISTERED", {})
    register(Own)
    fitted.save(path)
    assert equal(sklearn_timegen.load(path).sample(3), fitted.sample(3))
    monkeypatch.setattr(names, "REGISTERED", {})
    with pytest.raises(FileRefused, match="register"):
        sklearn_timegen.load(path)


def test_a_predictor_that_skops_writes(path):
    pytest.importorskip("skops")
    y = np.repeat(["slow", "fast"], 12)
    fitted = TSTRClassifier(PCAMixture(), KNeighborsClassifier(), random_state=SEED).fit(X, y)
    fitted.save(path)
    assert list(sklearn_timegen.load(path).predict(X)) == list(fitted.predict(X))
    (held,) = describe(path)["holds_real_data"]
    assert held["where"] == "TSTRClassifier.classifier_"
    forest = RandomForestClassifier(2, random_state=SEED)
    fitted = TSTRClassifier(PCAMixture(), forest, random_state=SEED).fit(X, y)
    with pytest.raises(CannotSave, match=r"RandomForestClassifier.*skops does not trust.*joblib"):
        fitted.save(path)


def test_without_skops_the_error_names_it_and_joblib(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops.io", None)
    fitted = TSTRClassifier(PCAMixture(), KNeighborsClassifier(), random_state=SEED)
    with pytest.raises(CannotSave, match=r"pip install skops.*joblib"):
        fitted.save(path)


def test_a_function_is_refused_in_words(path):
    with pytest.raises(CannotSave, match=r"VAE.encoder is the function .*lambda.*joblib"):
        VAE(encoder=lambda *args: None).save(path)
    assert not path.exists()


def test_what_is_no_class_at_the_top_is_not_registered():
    class Hidden:
        pass

    with pytest.raises(ValueError, match="top of a module"):
        register(Hidden)
    with pytest.raises(TypeError, match="takes a class"):
        register(3)


@pytest.mark.parametrize("given", [{"real_data": "some"}, {"training_state": "yes"}])
def test_bad_arguments_are_named(path, given):
    with pytest.raises(ValueError, match=next(iter(given))):
        PCAMixture().save(path, **given)


def test_a_full_disk_loses_nothing(path, monkeypatch):
    fitted = PCAMixture(random_state=SEED).fit(X)
    fitted.save(path)
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as caught:
        fitted.set_params(random_state=1).save(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_directory_that_is_not_there_is_named(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        PCAMixture().save(tmp_path / "nowhere" / "one.timegen")


# -- what is refused ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    path = tmp_path_factory.mktemp("good") / "vae.timegen"
    VAE(**CODED, max_epochs=1, random_state=SEED).fit(X).save(path, training_state=True)
    return path


class Forged:
    """A file that says of itself, with proper sums, what it wants to."""

    def __init__(self, good, path):
        self.path = path
        with zipfile.ZipFile(good) as archive:
            self.manifest = json.loads(archive.read("manifest.json"))
            self.tree = json.loads(archive.read("state.json"))
            self.arrays = load_arrays(archive.read("arrays.safetensors"))
        self.state = self.tree["state"]

    def write(self, **members):
        data = {
            "state.json": json.dumps(self.tree),
            "arrays.safetensors": save_arrays(self.arrays),
        }
        data |= members
        data = {k: v.encode() if isinstance(v, str) else v for k, v in data.items()}
        self.manifest["members"] = {
            key: {"bytes": len(value), "sha256": hashlib.sha256(value).hexdigest()}
            for key, value in data.items()
        }
        self.manifest.pop("sha256", None)
        text = json.dumps(self.manifest, sort_keys=True)
        whole = self.manifest | {"sha256": hashlib.sha256(text.encode()).hexdigest()}
        with zipfile.ZipFile(self.path, "w") as archive:
            archive.writestr("manifest.json", json.dumps(whole), zipfile.ZIP_DEFLATED)
            for key, value in data.items():
                packed = zipfile.ZIP_STORED if "safetensors" in key else zipfile.ZIP_DEFLATED
                archive.writestr(key, value, packed)
        return self

    def refused(self, words):
        with pytest.raises(FileRefused, match=words) as caught:
            sklearn_timegen.load(self.path)
        assert str(self.path) in str(caught.value)


@pytest.fixture
def forged(good, path):
    return Forged(good, path)


LIST = {"@": "list", "items": []}


def test_a_forged_file_that_is_sound_loads(forged):
    forged.write()
    assert sklearn_timegen.load(forged.path).sample(2).shape == (2, 12, 2)


@pytest.mark.parametrize(
    "node",
    [
        {"@": "function", "name": "os:system"},
        {"@": "function", "name": "builtins:eval"},
        {"@": "function", "name": "sklearn_timegen.datasets:load_dataset"},
        {"@": "class", "name": "subprocess:Popen"},
        {"@": "class", "name": "sklearn_timegen.__main__:main"},
        {"@": "class", "name": "sklearn_timegen._cli:Path"},
        {"@": "class", "name": "sklearn_timegen.vae.general:np"},
        {"@": "class", "name": "sklearn_timegen.base.state:contextmanager"},
        {"@": "class", "name": "sklearn_timegen.nn..x:y"},
        {"@": "class", "name": "sklearn_timegen.vae.general:VAE.__init__"},
        {"@": "class", "name": "torch.nn.modules.module:Any"},
        {"@": "class", "name": 3},
        {"@": "object", "class": "builtins:object", "state": {}},
        {"@": "object", "class": "torch.utils.data:DataLoader", "state": {"__class__": 1}},
        {"@": "object", "class": "sklearn_timegen.base.generator:BaseGenerator", "state": {}},
        {"@": "partial", "function": 3, "items": [], "entries": {}},
        {"@": "partial", "function": {"@": "function", "name": "os:remove"}, "items": ["/x"]},
        {"@": "pickle", "value": "gASVAAAA"},
        {"@": ["list"]},
        {"@": "ref", "id": 10**6},
        {"@": "ref"},
        {"@": "list"},
        {"@": "dict", "keys": [{"@": "list", "items": []}], "items": [1]},
        {"@": "dict", "keys": [1, 2], "items": [1]},
        {"@": "set", "items": [{"@": "list", "items": []}]},
        {"@": "float", "value": "1e5"},
        {"@": "bytes", "value": "?"},
        {"@": "array", "dtype": "V8", "shape": [1], "array": "x"},
        {"@": "array", "dtype": "<f4", "shape": [-1], "array": "x"},
        {"@": "array", "dtype": "<f4", "shape": [2**62, 2**62], "array": "x"},
        {"@": "array", "dtype": "<U9", "shape": [2**62], "items": []},
        {"@": "array", "dtype": "O", "shape": [3], "items": [1]},
        {"@": "array", "dtype": "<f4", "shape": [4], "array": "not there"},
        {"@": "random", "state": {"@": "dict", "entries": {"bit_generator": "os"}}},
        {"@": "random", "state": {"@": "dict", "entries": {"bit_generator": "PCG64"}}},
        {"@": "tensor", "dtype": "float32", "value": 3},
        {"@": "network", "class": "sklearn_timegen.nn.dense:DenseBody", "state": {}},
        {"@": "network", "class": "sklearn_timegen.vae.general:VAE", "state": {}},
        {"@": "datetime", "value": "soon"},
        {"@": "zone", "value": "../../../etc/passwd"},
        {"@": "offset", "value": "__import__('os')"},
        {"@": "index", "range": ["a", 1, 2], "name": None},
        {"@": "enum", "class": "sklearn_timegen.vae.general:VAE", "name": "x"},
        {"@": "named_tuple", "class": "sklearn_timegen.vae.general:VAE", "items": []},
        # What makes the value stumbles over it.
        {"@": "complex", "items": ["x", 1]},
        {"@": "function", "name": []},
        {"@": "torch_dtype", "name": []},
        {"@": "array", "dtype": "<U9", "shape": [0, 2**63], "items": []},
        {"@": "random", "state": {"@": "dict", "entries": {"bit_generator": LIST}}},
        {"@": "torch_random", "device": 2**70, "state": None},
        {"@": "timestamp", "unit": "ns", "value": 1, "zone": ""},
        {"@": "pandas_dtype", "name": "string", "storage": "x"},
        {"@": "frame", "index": None, "columns": None, "items": [1]},
        [1, 2],
    ],
    ids=lambda node: json.dumps(node)[:60],
)
def test_what_a_file_may_not_hold_is_refused(forged, node):
    forged.state["callbacks"] = node
    forged.write().refused("refused")


def test_weights_of_other_shapes_are_refused(forged):
    tree = forged.state["net_"]["state"]["module"]["entries"]
    first = next(node for node in tree.values() if node["value"]["shape"] == [8])
    first["value"]["shape"] = [4]
    key = first["value"]["array"]
    forged.arrays[key] = forged.arrays[key][:4].copy()
    forged.write().refused("(?s)GeneratorNet does not fit.*size mismatch")


def test_an_optimizers_memory_of_other_shapes_is_refused(forged):
    held = next(k for k, a in forged.arrays.items() if k.endswith(".exp_avg") and a.size == 8)
    forged.arrays[held] = forged.arrays[held][:4].copy()
    text = json.dumps(forged.tree)
    at = text.index(json.dumps(held))
    start = text.rindex('"shape": [8]', 0, at)
    forged.tree = json.loads(text[:start] + '"shape": [4]' + text[start + len('"shape": [8]') :])
    forged.write().refused("optimizer's exp_avg has the shape")


def test_arrays_of_other_kinds_are_refused(forged):
    key = next(k for k, a in forged.arrays.items() if a.dtype == np.float32)
    forged.arrays[key] = forged.arrays[key].astype(np.float64)
    forged.write().refused("float64.*float32")


def test_parameters_out_of_range_are_refused(forged):
    forged.state["lr"] = -1.0
    forged.write().refused("parameters are none.*'lr'")


def test_another_class_than_the_manifest_says_is_refused(forged):
    forged.manifest["class"] = "sklearn_timegen.gan.general:GAN"
    forged.write().refused("not what its manifest says")


def test_a_predictor_in_the_place_of_an_estimator_is_refused(forged):
    pytest.importorskip("skops")
    encoder = Encoder(KINDS)
    forged.tree = encoder.encode(KNeighborsClassifier(), "it")
    forged.arrays = load_arrays(encoder.arrays.to_bytes())
    forged.write().refused("not among those that files may name")


def test_deep_trees_are_refused(forged):
    text = '{"@": "list", "items": [' * 300 + "1" + "]}" * 300
    forged.write(**{"state.json": text}).refused("within each other")


def test_text_that_is_too_deep_is_refused(forged):
    forged.write(**{"state.json": "[" * 200_000 + "]" * 200_000}).refused("deep")


@pytest.mark.parametrize("text", ["{", '{"a": 1, "a": 2}', "NaN", "\xff"])
def test_improper_json_is_refused(forged, text):
    forged.write(**{"state.json": text.encode("latin-1")}).refused("JSON")


def test_arrays_that_are_none_are_refused(forged):
    forged.write(**{"arrays.safetensors": b"\xff" * 64}).refused("no safetensors")


def test_a_bomb_is_refused_before_it_is_unpacked(forged):
    forged.write(**{"state.json": b" " * 30_000_000}).refused("unpack to 30000000")


@pytest.mark.parametrize("member", ["../evil.txt", "/etc/evil", "data.pkl", "state.json"])
def test_other_members_are_refused(forged, member):
    forged.write()
    with (
        zipfile.ZipFile(forged.path, "a") as archive,
        pytest.warns() if (member == "state.json") else open(os.devnull),
    ):
        archive.writestr(member, "{}")
    forged.refused("members")


def test_an_altered_member_is_refused(good, path):
    data = bytearray(good.read_bytes())
    with zipfile.ZipFile(good) as archive:
        entry = archive.getinfo("arrays.safetensors")
    data[entry.header_offset + 30 + len(entry.filename) + entry.file_size - 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(FileRefused, match=r"CRC|SHA-256"):
        sklearn_timegen.load(path)


def test_an_altered_manifest_is_refused(forged):
    forged.write()
    with zipfile.ZipFile(forged.path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    members["manifest.json"] = members["manifest.json"].replace(b'"fitted": true', b'"fitted": 1')
    with zipfile.ZipFile(forged.path, "w") as archive:
        for key, value in members.items():
            packed = zipfile.ZIP_STORED if "safetensors" in key else zipfile.ZIP_DEFLATED
            archive.writestr(key, value, packed)
    forged.refused("manifest was altered")


def test_a_newer_version_says_what_reads_it(forged):
    forged.manifest |= {"format_version": 99, "package_version": "7.1"}
    forged.write().refused(r"version 99.*reads 1.*sklearn-timegen 7\.1")


@pytest.mark.parametrize("end", [0, 10, 0.5, 0.99])
def test_half_a_file_is_refused(good, path, end):
    data = good.read_bytes()
    path.write_bytes(data[: int(end * len(data)) if isinstance(end, float) else end])
    with pytest.raises(FileRefused, match="refused"):
        sklearn_timegen.load(path)


@pytest.mark.parametrize(
    ("record", "at", "mask"), [(b"PK\x01\x02", 6, 0x80), (b"PK\x05\x06", 19, 0x80)]
)
def test_a_damaged_list_of_members_is_refused(good, path, record, at, mask):
    data = bytearray(good.read_bytes())
    data[data.rindex(record) + at] ^= mask  # the version of zip, and where the list begins
    path.write_bytes(data)
    with pytest.raises(FileRefused, match="refused"):
        describe(path)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        sklearn_timegen.load(tmp_path / "nothing")


# -- real data ------------------------------------------------------------------------------------


def values_in(path):
    """All numbers of a file's arrays, as float32."""
    with zipfile.ZipFile(path) as archive:
        arrays = load_arrays(archive.read("arrays.safetensors")).values()
    return np.concatenate([a.ravel().astype(np.float32) for a in arrays if a.dtype.kind == "f"])


def found_of(values, path):
    return np.isin(values.ravel().astype(np.float32), values_in(path)).mean()


NOISE = np.random.default_rng(5).normal(size=(300, 5, 1)).astype(np.float32)


def test_quantiles_are_told_of_and_can_be_blurred(path):
    fitted = PCAMixture(representation="quantile", random_state=SEED).fit(NOISE)
    fitted.save(path)
    assert "training values" in describe(path)["holds_real_data"][0]["what"]
    assert found_of(NOISE, path) > 0.9
    fitted.save(path, real_data="drop")
    assert describe(path)["holds_real_data"] == []
    assert found_of(NOISE, path) < 0.02  # the extremes of each timestep
    loaded = sklearn_timegen.load(path)
    ends = np.quantile(fitted.sample(2000), [0.05, 0.5, 0.95])
    assert np.allclose(np.quantile(loaded.sample(2000), [0.05, 0.5, 0.95]), ends, atol=0.1)


def test_residuals_that_are_drawn_again_are_told_of(path):
    fitted = PCAMixture(n_components=3, residual="bootstrap", random_state=SEED).fit(NOISE)
    fitted.save(path)
    assert "residuals of the training series" in [
        held["what"] for held in describe(path)["holds_real_data"]
    ]
    PCAMixture(n_components=3, random_state=SEED).fit(NOISE).save(path, real_data="drop")
    assert describe(path)["holds_real_data"] == []


def test_what_draws_from_training_series_says_so(path):
    fitted = BlockBootstrap(random_state=SEED).fit(X)
    fitted.save(path, real_data="thin")
    assert [held["what"] for held in describe(path)["holds_real_data"]] == ["the training series"]
    with pytest.raises(CannotSave, match="makes samples of them"):
        fitted.save(path, real_data="drop")


def test_a_series_generator_works_without_the_series(path):
    rng = np.random.default_rng(SEED)
    table = [rng.normal(size=(40, 1)) for _ in range(3)]
    fitted = SeriesGenerator(PCAMixture(), window=8, random_state=SEED).fit(table)
    fitted.save(path)
    assert found_of(np.concatenate(table), path) == 1
    fitted.save(path, real_data="thin")
    assert found_of(np.concatenate(table), path) < 0.03
    (held,) = describe(path)["holds_real_data"]
    assert held["what"] == "names, times, levels and attributes of the training series"
    loaded = sklearn_timegen.load(path)
    for one, other in zip(fitted.sample(3), loaded.sample(3), strict=True):
        assert equal(one, other)
    with pytest.raises(ValueError, match="match_spread=True needs the values"):
        loaded.sample(2, match_spread=True)
    with pytest.raises(CannotSave, match='real_data="thin"'):
        fitted.save(path, real_data="drop")


def test_a_transform_needs_the_series_and_says_so(path):
    series = np.random.default_rng(SEED).normal(size=60).cumsum()
    fitted = SeriesGenerator(PCAMixture(), window=8, transform="difference").fit(series)
    with pytest.raises(CannotSave, match="transform puts samples on the training series"):
        fitted.save(path, real_data="drop")
    fitted.save(path, real_data="thin")
    assert describe(path)["holds_real_data"][0]["what"] == "the training series"


def test_a_file_of_pickle_is_refused_by_name(tmp_path):
    path = tmp_path / "generator.pkl"
    path.write_bytes(pickle.dumps(PCAMixture()))
    for read in (sklearn_timegen.load, describe):
        with pytest.raises(FileRefused, match=r"generator\.pkl is refused: .*pickle"):
            read(path)
