"""Series as sums of components, and series made of edited ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sklearn_timegen._random import RandomState, derive_seed, draw_seed
from sklearn_timegen.base import estimator
from sklearn_timegen.base.drawing import why_not_finite
from sklearn_timegen.base.tensors import as_numpy, rows_of
from sklearn_timegen.data.checks import all_finite, check_count
from sklearn_timegen.vae._structure import affine_of
from sklearn_timegen.vae.general import VAE

__all__ = ["ComponentVAE"]

FloatArray = NDArray[np.float32]
Parts = dict[str, FloatArray]
Override = ArrayLike | Callable[[FloatArray], ArrayLike]


@estimator
class ComponentVAE(VAE):
    """Methods of a VAE whose decoder is a sum with names."""

    def decompose(self, X: ArrayLike, y: Any = None) -> Parts:
        """Return the components of the series in ``X``, which sum to them.

        They are decoded from the posterior means, as in ``reconstruct``; what the decoder leaves
        over is the component ``"noise"``, without which they sum to ``reconstruct(X)``.

        Parameters
        ----------
        X : array-like of series
            Of the sizes seen in ``fit``.
        y : label, vector, calendar or array-like, default=None
            Their conditions, if the generator is conditional.

        Returns
        -------
        components : dict of str to ndarray of series
            ``"level"``, ``"trend"``, ``"season_1"`` and so on, ``"residual"``, as far as there
            are such, and ``"noise"``; float32 arrays, each in the units and the layout of ``X``.

        Raises
        ------
        TypeError
            If the representation is not affine: its components have no units.
        """
        check_is_fitted(self)
        x = self._preprocessing.read(X, self, missing=False)
        z = self._encode(self._preprocessing.encode(x).values)
        parts = self._decode_parts(z, self._encode_conditions(y, len(x)))
        return self._restore_parts(parts, x)

    def sample_components(
        self, n_samples: int = 1, y: Any = None, *, random_state: RandomState = None
    ) -> Parts:
        """Draw synthetic series as components, which sum to what ``sample`` draws.

        The sum keeps all rules, to float32's rounding; a component alone, as the season of a
        count, need not.

        Parameters
        ----------
        n_samples : int, default=1
            Number of series to draw.
        y : label, vector, calendar or array-like, default=None
            As for ``sample``.
        random_state : int, RandomState, Generator or None, default=None
            As for ``sample``, and the same seed gives the same series.

        Returns
        -------
        components : dict of str to ndarray of series
            As from ``decompose``; ``"noise"`` is that of the decoder, if it is learned, what
            ``bounds`` have clipped, and what rounding to float32 has left.
        """
        check_is_fitted(self)
        n_samples = check_count(n_samples, "n_samples")
        c = self._encode_conditions(y, n_samples)
        seed = draw_seed(self.random_state if random_state is None else random_state)
        rng = self._make_rng(derive_seed(seed, "sample"))
        chunks, wholes = [], []
        for rows in self._batches(n_samples):
            n_rows = len(range(n_samples)[rows])
            parts, v = self._draw_parts(n_rows, rows_of(c, rows), rng)
            chunks.append(parts)
            wholes.append(self._to_data_units(v))
        parts = {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}
        return self._restore_parts(parts, np.concatenate(wholes))

    def inverse_transform(
        self,
        Z: ArrayLike,
        y: Any = None,
        *,
        components: Mapping[str, Override] | None = None,
    ) -> FloatArray:
        """Return the series that the latents ``Z`` stand for, perhaps with edited components.

        Parameters
        ----------
        Z : array-like of shape (n_samples, latent_dim)
            Latents.
        y : label, vector, calendar or array-like, default=None
            Conditions, if the generator is conditional.
        components : mapping of str to array-like or callable, default=None
            What takes the place of decoded components: series in the units and the layout of
            ``X`` (one for each latent, or one for all), or a function of the decoded ones, such
            as ``{"trend": lambda trend: 1.2 * trend}``. ``"noise"``, which no decoder makes, is
            added.

        Returns
        -------
        X : ndarray of series
            In the units and the layout of the ``X`` seen in ``fit``: the nearest ones that keep
            ``bounds`` and rules.

        Raises
        ------
        ValueError
            If a component's name or shape is not one of the generator's.
        """
        if components is None:
            return super().inverse_transform(Z, y)
        if not isinstance(components, Mapping):
            raise ValueError(
                "components must be a mapping of names to series or functions, got "
                f"{type(components).__name__}"
            )
        check_is_fitted(self)
        z = self._check_latents(Z)
        decoded = self._decode_parts(z, self._encode_conditions(y, len(z)))
        parts = self._restore_parts(decoded, None)
        for name, override in components.items():
            if name not in parts:
                raise ValueError(
                    f"there is no component {name!r}: it must be one of {', '.join(parts)}"
                )
            parts[name] = self._overridden(name, parts[name], override)
        whole = np.sum(list(parts.values()), axis=0, dtype=np.float64).astype(np.float32)
        # Edited, parts need not sum to what keeps the rules: the nearest series that does.
        u = self._structure.transform(self._layout.read_numbers(np.asarray(whole)), tell=False)
        return self._layout.restore(self._preprocessing.decode_coordinates(u))

    # -- parts -------------------------------------------------------------------------------

    def _overridden(self, name: str, part: FloatArray, override: Override) -> FloatArray:
        values = np.asarray(override(part) if callable(override) else override, dtype=np.float32)
        if values.shape not in (part.shape, part.shape[1:], (1, *part.shape[1:])):
            raise ValueError(
                f"component {name!r} must have the shape {part.shape} or {part.shape[1:]}, got "
                f"{values.shape}"
            )
        if not np.isfinite(values).all():
            raise ValueError(f"component {name!r} contains NaN or inf")
        return np.broadcast_to(values, part.shape)

    def _decode_parts(self, z: FloatArray, c: FloatArray | None) -> Parts:
        chunks = []
        with self._inference() as module:
            for rows in self._batches(len(z)):
                batch = self._tensor(z[rows]), self._tensor(rows_of(c, rows))
                chunks.append(_arrays(module.decoder.components(*batch)))
        return {name: np.concatenate([chunk[name] for chunk in chunks]) for name in chunks[0]}

    def _draw_parts(
        self, n_samples: int, c: FloatArray | None, rng: torch.Generator
    ) -> tuple[Parts, FloatArray]:
        """Draw as ``_draw`` does, from the same stream, and keep the parts."""
        z = self._draw_latents(n_samples, c, rng)
        with self._inference() as module:
            parts = module.decoder.components(z, self._tensor(c))
            x_hat = module.decoder.total(parts)
            return _arrays(parts), as_numpy(x_hat + self._noise(module, x_hat, rng))

    def _restore_parts(self, parts: Parts, x: FloatArray | None) -> Parts:
        """Lead represented parts back into the units of X; "noise" is what ``x`` has beyond."""
        if not self._structure.linear:
            raise TypeError(
                "components have no units where rules write channels in other coordinates: fit "
                "with rules=None and missing='complete', to series of one length, in place of"
                f"\n{self.rules_!r}"
            )
        affine = affine_of(self.representation_)
        if affine is None:
            raise TypeError(
                f"representation={self.representation!r} is not affine: what components sum to "
                "is bent afterwards, and they have no units. Use 'auto', or a SeriesScaler"
            )
        shift, scale = (a.astype(np.float32) for a in affine)
        reducer = self._structure.reducer_
        shape = (len(next(iter(parts.values()))), *self.series_shape_)
        out = {"level": np.zeros(shape, np.float32)}
        for name, part in parts.items():
            scaled = np.broadcast_to(part * scale, (shape[0], shape[1], part.shape[2]))
            out[name] = reducer.spread(scaled)
        # What the representation subtracts is a level, whether the decoder has one or not.
        offset = reducer.spread(np.broadcast_to(shift, (1, shape[1], shift.shape[1])))
        out["level"] = out["level"] + offset + reducer.offsets_.astype(np.float32)
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            whole = sum(out.values())
            out["noise"] = np.zeros(shape, np.float32) if x is None else x - whole
        if not all(map(all_finite, out.values())):
            raise FloatingPointError(why_not_finite(self, out["noise"], decoded=True))
        return {
            name: self._layout.restore_numbers(part.astype(np.float32))
            for name, part in out.items()
        }


def _arrays(parts: dict[str, torch.Tensor]) -> Parts:
    return {name: as_numpy(part) for name, part in parts.items()}
