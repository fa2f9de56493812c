"""What series have once, their heads: when they begin, how long they are, attributes, levels.

A synthetic series that had the head of a real one would tell who is in the data. So heads are
drawn from a model of their own, a mixture of normals over their normal scores.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sklearn_timegen.classical import PCAMixture
from sklearn_timegen.rules import Category
from sklearn_timegen.rules.category import Static
from sklearn_timegen.rules.latent import truncated_normals
from sklearn_timegen.rules.normal_score import NormalScore
from sklearn_timegen.rules.rule import Block, channel_of
from sklearn_timegen.series._beginnings import Beginnings
from sklearn_timegen.series._effects import Effects, Ranges, Spreads
from sklearn_timegen.series._follows import find_followers, find_shared
from sklearn_timegen.series._latent import draw_scores
from sklearn_timegen.series._request import Asked
from sklearn_timegen.series._windows import MISMATCH

if TYPE_CHECKING:
    from sklearn_timegen.series._models import Models

__all__ = ["FEWEST_HEADS", "HeadModel"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]
# A word, and a number: of a coordinate, of a column of beginnings or names, or of a channel.
Column: TypeAlias = tuple[int, str]
Wish: TypeAlias = dict[Column, float]
Columns: TypeAlias = dict[Column, Array]
LENGTH, LABEL = (0, "length"), (0, "label")

FEWEST_HEADS = 10  # series: a model of fewer heads would give them away, or know nothing
FEWEST_CANDIDATES, CANDIDATES = 500, 10  # to choose from: at least, and for each of a wish
TO_THE_END = 0.5  # of series that end at the last time of all, for that to be their end
JITTER = 1e-6  # by which chance decides between training series that are equally near


class HeadModel:
    """A model of the heads of training series.

    A row a series: its coordinates that are constant along time (attributes, levels, first
    readings), its label, its names that are kept, its beginning and its length. A category is its
    word, which is drawn from one score, and all scores that windows know it by follow from the
    word. What follows from a category follows in what is drawn.

    Parameters
    ----------
    models : Models
        The series.
    kept : sequence of int
        Positions of those names of series that are attributes.
    seed : int
        Of the mixture.
    """

    def __init__(self, models: Models, kept: Sequence[int], seed: int) -> None:
        self._models = models
        keys = [record.key for record in models.records]
        self._names = {(j, "name"): list(dict.fromkeys(key[j] for key in keys)) for j in kept}
        if models.needs_labels:
            self._names[LABEL] = models.classes
        channels = {(k, "channel"): models.attributes[:, k] for k in models.attribute_channels}
        rules = {(k, "channel"): rule for k, (rule, _) in models.attribute_rules.items()}
        words = {key: rule for key, rule in rules.items() if isinstance(rule, Category)}
        coded = self._coded(keys) | {key: channels[key] for key in words}
        self._followers = find_followers(channels | coded, list(coded))
        following = [follower.target for follower in self._followers]
        shared, self._firsts = find_shared(channels, keys)
        self._shared = [key for key in shared if key not in following]
        self._by_value = {
            (self._position(key), "own"): key for key in self._shared if self._is_free(key)
        }
        self._of_attribute = {
            (k, "own"): (rule, channel)
            for channel, (rule, (k, *_)) in models.attribute_rules.items()
            if (k, "own") not in self._by_value and (channel, "channel") not in coded
        }
        table = self._measured() | coded
        self._rules: dict[Column, NormalScore] = {
            key: Category(key, ordered=key in words and words[key].ordered, most_scores=1)
            if key in coded
            else Static(key)
            for key in table
            if key not in self._of_attribute
        }
        known = {key: column[np.isfinite(column)] for key, column in table.items()}
        self._first = {key: float(column[0]) for key, column in known.items()}
        self._varying = [key for key, column in known.items() if np.ptp(column) > 0]
        self._learn(table, seed)

    # -- what is known -----------------------------------------------------------------------

    def _is_free(self, key: Column) -> bool:
        """Whether an attribute is a number on which nothing else hangs.

        Where all below one name share it, each value comes several times, and between them the
        coordinate has no place for another one. So it is the value that is learned, once a name.
        """
        rule, channel = self._models.attribute_rules[key[0]][0], key[0]
        others = (one for one in self._models.structure.rules_ if one is not rule)
        tied = any(channel in map(channel_of, one.keys) for one in others if one.kind != "grid")
        known = np.isfinite(self._models.attributes[:, channel]).all()
        return bool(known) and not tied and not isinstance(rule, Category)

    def _measured(self) -> Columns:
        """Return what is a number of each series."""
        records = self._models.records
        self._beginnings = Beginnings([record.timeline for record in records])
        lengths = np.array([len(record.timeline.index) for record in records], dtype=np.int64)
        self._lengths = np.unique(lengths)
        ends = self._beginnings.steps_ + lengths
        self._end = int(ends.max())
        begin_apart = self._models.known.gaps is None and np.ptp(self._beginnings.steps_) > 0
        # Of series that run to the end of the data, the length follows from the beginning.
        self._by_end = bool(begin_apart and (ends == self._end).mean() >= TO_THE_END)
        written = self._beginnings.columns_.astype(np.float64)
        return {
            **{(k, "own"): self._models.own_of_each[:, k] for k in self._learned},
            **{own: self._models.attributes[:, key[0]] for own, key in self._by_value.items()},
            **{(k, "begins"): x for k, x in enumerate(written.T)},
            LENGTH: (self._end - ends if self._by_end else lengths).astype(np.float64),
        }

    @property
    def _learned(self) -> list[int]:
        """Which of its own coordinates are learned; lengths, and words, are told otherwise."""
        lengths, words = self._models.structure.coordinates_.lengths, self._models.words.positions
        static = enumerate(self._models.static)
        return [k for k, column in static if column not in lengths and k not in words]

    def _coded(self, keys: list[Any]) -> Columns:
        """Return the numbers of categories: of labels, and of names that are kept."""
        values = {
            key: self._models.labels if key == LABEL else [own[key[0]] for own in keys]
            for key in self._names
        }
        return {
            key: np.array([names.index(one) for one in values[key] or ()], dtype=np.float64)
            for key, names in self._names.items()
        }

    def _learn(self, table: Columns, seed: int) -> None:
        self._mixture: PCAMixture | None = None
        block: Block = {key: column[:, None] for key, column in table.items()}
        for key, rule in self._rules.items():
            # A category looks at the others, too: which ones are alike?
            once: Block = block if key not in self._by_value else {key: block[key][self._firsts]}
            rule.learn([once])
        if not self._varying:
            return
        intervals = [self._interval(key, block) for key in self._varying]
        low, high = (np.hstack(ends) for ends in zip(*intervals, strict=True))
        rng = np.random.default_rng(seed)
        is_word = np.array([self._is_word(key) for key in self._varying])
        self._of_words, self._of_numbers = np.flatnonzero(is_word), np.flatnonzero(~is_word)
        # Of numbers, a word tells what its category does, and its score nothing else: a normal
        # model would take what goes with it within categories for more of what they differ by.
        words = draw_scores(low[:, self._of_words], high[:, self._of_words], rng)
        low[:, self._of_words] = high[:, self._of_words] = words
        scores = draw_scores(low, high, rng)
        self._scores = scores + JITTER * rng.normal(size=scores.shape)
        # As many of each word as there are, however scores came to lie within their intervals.
        self._word_scale = words.mean(axis=0), words.std(axis=0)
        # A series whose word is missing says nothing of any, whichever its score was drawn for.
        codes = self._codes(scores)
        for j, k in enumerate(self._of_words):
            codes[np.isnan(table[self._varying[k]]), j] = np.nan
        self._ranges = Ranges().fit(scores[:, self._of_numbers], codes)
        self._effects = Effects().fit(scores[:, self._of_numbers], codes)
        around, likely = scores.copy(), self._completed(codes, scores)
        around[:, self._of_numbers] -= self._effects.of(likely)
        self._spreads = Spreads().fit(around[:, self._of_numbers], codes)
        around[:, self._of_numbers] /= self._spreads.of(likely)
        self._mixture = PCAMixture(rules=None, postprocess=None, random_state=seed % 2**31)
        self._mixture.fit(around.astype(np.float32))

    def _completed(self, codes: Array, scores: Array) -> Array:
        """Return categories, of series that miss any those of the one with the nearest numbers.

        Without, such a series would be as far from the others as categories are apart.
        """
        known = np.isfinite(codes).all(axis=1)
        if known.all() or not known.any():
            return codes
        numbers, completed = scores[:, self._of_numbers], codes.copy()
        nearest = cKDTree(numbers[known]).query(numbers[~known])[1]
        completed[~known] = np.where(np.isnan(codes[~known]), codes[known][nearest], codes[~known])
        return completed

    def _rule_of(self, key: Column) -> NormalScore:
        return self._rules[key] if key in self._rules else self._of_attribute[key][0]

    def _is_word(self, key: Column) -> bool:
        return isinstance(self._rule_of(key), Category)

    def _codes(self, scores: Array) -> Array:
        """Return the categories that scores stand for, of each column of them."""
        codes = np.empty((len(scores), len(self._of_words)))
        for j, k in enumerate(self._of_words):
            codes[:, j] = self._decoded(self._varying[k], scores[:, k])
        return codes

    def _decoded(self, key: Column, scores: Array) -> Array:
        """Return the values of scores in a column."""
        rule = self._rule_of(key)
        own = rule.keys[0]
        return np.asarray(rule.decode({own: scores[:, None]})[own][:, 0])

    def _interval(self, key: Column, block: Block) -> tuple[Array, Array]:
        """Return where the scores of a column may be."""
        if key in self._rules:
            return self._rules[key].interval(block)
        rule, channel = self._of_attribute[key]
        return rule.interval({rule.keys[0]: self._models.attributes[:, [channel]]})

    # -- drawing -----------------------------------------------------------------------------

    def draw(
        self,
        attributes: list[dict[int, float]],
        labels: list[Any],
        places: list[int],
        rng: np.random.Generator,
    ) -> list[Asked]:
        """Return series with drawn heads.

        Parameters
        ----------
        attributes : list of dict
            By channel, what is asked for.
        labels : list
            Labels that are asked for; ``None`` is any.
        places : list of int
            The training series whose places in the nesting of names they take.
        rng : Generator
            The stream of random numbers.
        """
        wishes = [self._wish(*one) for one in zip(attributes, labels, places, strict=True)]
        groups = self._groups(places)
        n, n_wishes = len(places), sum(map(bool, wishes))
        n_wishes = n if len(set(groups)) < n else n_wishes
        extra = max(FEWEST_CANDIDATES, CANDIDATES * n_wishes) if n_wishes else 0
        scores = self._drawn_scores(n + extra, rng)
        pool = self._columns(scores)
        free = np.ones(len(scores), dtype=bool)
        chosen = np.empty(n, dtype=np.int64)
        teller = np.arange(n)  # of what all below one name share: the first of them
        first: dict[Any, int] = {}
        for i, (wish, group) in enumerate(zip(wishes, groups, strict=True)):
            teller[i] = first.setdefault(group, i)
            told = self._shared if teller[i] < i else []
            near = {key: float(pool[key][chosen[teller[i]]]) for key in told} | wish
            chosen[i] = self._nearest(pool, near, free) if near else free.argmax()
            free[chosen[i]] = False
        columns, _ = self._settled(scores[chosen], teller, wishes)
        scores = self._moved(scores[chosen], columns, rng)
        columns, settled = self._settled(scores, teller, wishes)
        return self._asked(columns, settled, self._like(scores, rng), places)

    def _wish(self, attributes: dict[int, float], label: Any, place: int) -> Wish:
        wish: Wish = {(k, "channel"): value for k, value in attributes.items()}
        own = self._models.records[place].key
        for key, names in self._names.items():
            if key != LABEL:
                wish[key] = float(names.index(own[key[0]]))
            elif label is not None:
                wish[key] = float(names.index(label))
        return wish

    def _groups(self, places: list[int]) -> list[Hashable]:
        """Return what series are below one name, if these share anything."""
        if not self._shared:
            return list(range(len(places)))
        seen: dict[int, int] = {}
        groups: list[Hashable] = []
        for k in places:
            seen[k] = seen.get(k, -1) + 1
            groups.append((self._models.records[k].key[:1], seen[k]))
        return groups

    def _drawn_scores(self, n: int, rng: np.random.Generator) -> Array:
        """Return the scores of heads."""
        if self._mixture is None:
            return np.empty((n, 0))
        seed = int(rng.integers(2**31))
        around = np.asarray(self._mixture.sample(n, random_state=seed), dtype=np.float64)
        scores, (mean, spread) = around.copy(), self._word_scale
        scores[:, self._of_words] = (around[:, self._of_words] - mean) / spread
        return self._of_categories(scores, self._codes(scores))

    def _of_categories(self, around: Array, codes: Array) -> Array:
        """Return scores whose numbers are around those of categories."""
        scores = around.copy()
        scores[:, self._of_numbers] *= self._spreads.of(codes)
        scores[:, self._of_numbers] += self._effects.of(codes)
        scores[:, self._of_numbers] = self._ranges.mirrored(scores[:, self._of_numbers], codes)
        return scores

    def _moved(self, scores: Array, columns: Columns, rng: np.random.Generator) -> Array:
        """Return scores that stand for the words in columns, and numbers as far from theirs.

        More may be asked for of a rare category than there are candidates of it, and a candidate
        of another one has the numbers of that.
        """
        if self._mixture is None:
            return scores
        words = [self._varying[k] for k in self._of_words]
        codes, asked = self._codes(scores), np.empty((len(scores), len(words)))
        for j, key in enumerate(words):
            asked[:, j] = columns[key]
        moved = (codes != asked).any(axis=1)
        if not moved.any():
            return scores
        scores, codes, asked = scores.copy(), codes[moved], asked[moved]
        around = scores[moved]
        around[:, self._of_numbers] -= self._effects.of(codes)
        around[:, self._of_numbers] /= self._spreads.of(codes)
        for j, (k, key) in enumerate(zip(self._of_words, words, strict=True)):
            low, high = self._rules[key].interval({key: asked[:, [j]]})
            around[:, [k]] = truncated_normals(0.0, 1.0, low, high, rng.random(low.shape))
        scores[moved] = self._of_categories(around, asked)
        return scores

    def _columns(self, scores: Array) -> Columns:
        """Return the columns that scores of heads stand for, those of attributes, too."""
        pool = {key: np.full(len(scores), value) for key, value in self._first.items()}
        for k, key in enumerate(self._varying):
            column = scores[:, k]
            pool[key] = self._decoded(key, column) if key in self._rules else column
        for own, key in self._by_value.items():
            rule, step = self._models.attribute_rules[key[0]][0], self._rules[own].step_
            pool[key] = pool[own] if step is None else np.rint(pool[own] / step) * step
            pool[own] = _scores(rule, pool[key])[:, 0]
        for own, (_, channel) in self._of_attribute.items():
            pool[channel, "channel"] = self._decoded(own, pool[own])
        return pool

    def _nearest(self, pool: Columns, wish: Wish, free: NDArray[np.bool_]) -> int:
        """Return the free candidate with most of the categories, and the nearest numbers."""
        distance = np.where(free, 0.0, np.inf)
        for key, value in wish.items():
            if key in self._rules:
                distance += MISMATCH * (pool[key] != value)
            else:
                rule = self._models.attribute_rules[key[0]][0]
                own = pool[self._position(key), "own"]
                distance += np.abs(own - _scores(rule, np.array([value]))[0])
        return int(distance.argmin())

    def _position(self, key: Column) -> int:
        """Return where the first coordinate of an attribute is among those of a series."""
        return self._models.attribute_rules[key[0]][1][0]

    def _like(self, scores: Array, rng: np.random.Generator) -> Counts:
        n = len(self._models.records)
        if self._mixture is None:
            return rng.integers(n, size=len(scores))
        nearest: Counts = cKDTree(self._scores).query(scores)[1]
        return nearest

    # -- from columns to series ----------------------------------------------------------------

    def _asked(
        self,
        columns: Columns,
        settled: dict[Column, NDArray[np.bool_]],
        like: Counts,
        places: list[int],
    ) -> list[Asked]:
        starts, lengths = self._times(columns, like)
        own = self._own(columns, settled, lengths)
        labels: list[Any] = [None] * len(places)
        if LABEL in columns:
            labels = [self._names[LABEL][int(code)] for code in columns[LABEL]]
        asked = []
        for i, place in enumerate(places):
            attributes = {
                key[0]: float(columns[key][i])
                for key, which in settled.items()
                if key[1] == "channel" and which[i]
            }
            length = int(lengths[i])
            one = Asked(like[i], starts[i], length, labels[i], attributes, own[i], place)
            asked.append(one)
        return asked

    def _settled(
        self, scores: Array, teller: Counts, wishes: list[Wish]
    ) -> tuple[Columns, dict[Column, NDArray[np.bool_]]]:
        """Return columns with what is shared, asked for, and follows; and where that is."""
        columns, by_value = self._columns(scores), self._by_value.values()
        for key in self._shared:
            own = self._position(key), "own"
            for one in (key, own) if own in columns else (key,):
                columns[one] = columns[one][teller]
        settled = {key: np.full(len(wishes), key in by_value) for key in columns}
        for i, wish in enumerate(wishes):
            for key, value in wish.items():
                columns[key][i], settled[key][i] = value, True
        for follower in self._followers:
            found = follower.of(columns[follower.source], columns[follower.target])
            changed = (found != columns[follower.target]) & ~settled[follower.target]
            columns[follower.target][changed] = found[changed]
            settled[follower.target] |= changed
        return columns, settled

    def _own(
        self, columns: Columns, settled: dict[Column, NDArray[np.bool_]], lengths: Counts
    ) -> Array:
        """Return the coordinates that are constant along time."""
        models = self._models
        own = np.empty((len(lengths), len(models.static)))
        for k in self._learned:
            own[:, k] = columns[k, "own"]
        for k in set(range(len(models.static))) - set(self._learned):
            own[:, k] = models.coordinates_of_lengths(lengths, k)
        for channel, (rule, positions) in models.attribute_rules.items():
            key = channel, "channel"
            which = np.ones(len(own), dtype=bool) if key in self._rules else settled[key]
            if which.any():
                own[np.ix_(which, np.array(positions))] = _scores(rule, columns[key][which])
        return own

    def _times(self, columns: Columns, like: Counts) -> tuple[list[Any], Counts]:
        n_columns = self._beginnings.columns_.shape[1]
        written = np.stack([columns[k, "begins"] for k in range(n_columns)], axis=1)
        steps = self._beginnings.counted(np.rint(written).astype(np.int64))
        lengths = np.rint(columns[LENGTH]).astype(np.int64)
        if self._by_end:
            lengths = self._end - lengths.clip(0) - steps
        lengths = lengths.clip(self._lengths[0], self._lengths[-1])
        return self._beginnings.times(steps, like), lengths


def _scores(rule: NormalScore, values: Array) -> Array:
    """Return the coordinates of attributes ``(n_series, n_coordinates)``."""
    scores = rule.encode({rule.keys[0]: values[:, None]})
    return np.hstack([scores[key] for key in rule.columns])
