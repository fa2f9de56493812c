"""What the results say of what is demanded and claimed."""

from __future__ import annotations

from collections import Counter

import numpy as np

from benchmarks.timevae_paper.published import DEMANDED, PUBLISHED
from benchmarks.timevae_paper.results import (
    CUTS,
    PREDICTORS,
    REAL,
    Cells,
    Mean,
    arms_of,
    mean_of,
    models_of,
    percents_of,
    pooled,
    ratio_of,
)

__all__ = ["say_demands", "say_denoising", "say_few_data"]

MOST_FIT_S = 600
ROUNDING = 0.0005  # of published scores
FEW = 10  # percent, at most, are few data


def say_demands(scores: dict[str, Cells], claims: dict[str, Cells]) -> list[str]:
    """Which of the demanded bounds hold."""
    lines = []
    for (name, percent), bound in DEMANDED.items():
        cells = scores.get(name, {})
        for model in models_of(cells):
            values = pooled(cells.get((percent, model), []), "same", "right")
            if not values:
                continue
            mean = mean_of(values)
            verdict = "met" if mean.value <= bound else "NOT met"
            lines.append(f"- {name} {percent}%, DS at most {bound}: {model} {mean}: {verdict}.")
    for model in dict.fromkeys(m for cells in scores.values() for m in models_of(cells)):
        lines += [say_published(scores, model), say_fits([scores, claims], model)]
    return [line for line in lines if line] or ["Nothing to say yet."]


def say_published(scores: dict[str, Cells], model: str) -> str:
    """Whether the interval of any score lies above what was published."""
    worse, n_cells = [], 0
    for (score, name, percent), published in PUBLISHED.items():
        rows = scores.get(name, {}).get((percent, model), [])
        wanted = {f", {cut} threshold": ("same", cut) for cut in CUTS}
        for title, path in (wanted if score == "ds" else {"": ("ps",)}).items():
            values = pooled(rows, *path)
            if not values:
                continue
            n_cells += 1
            mean = mean_of(values)
            if mean.low > published.value + ROUNDING:
                found = f"{name} {percent}% {score.upper()}{title}"
                worse.append(f"{found} ({mean}; published {published})")
    if not n_cells:
        return ""
    found = f"worse in {len(worse)}: {'; '.join(worse)}" if worse else "worse in none"
    verdict = "NOT met" if worse else "met"
    return (
        f"- {model}, no score worse than published beyond its interval ({n_cells} comparisons, DS "
        f"with both thresholds): {found}: {verdict}."
    )


def say_fits(parts: list[dict[str, Cells]], model: str) -> str:
    fits = [
        (seconds, f"{name} {percent}%")
        for part in parts
        for name, cells in part.items()
        for (percent, one), rows in cells.items()
        if one == model
        for seconds in pooled(rows, "fit_cpu_s")
    ]
    if not fits:
        return ""
    longest, where = max(fits)
    verdict = "met" if longest < MOST_FIT_S else "NOT met"
    return f"- {model}, each fit under 10 minutes: {longest:.0f} s at most ({where}): {verdict}."


def verdict_of(ratio: Mean) -> str:
    return "better" if ratio.high < 0 else "worse" if ratio.low > 0 else "undecided"


def counted(claims: dict[str, Cells], model: str, arm: str, most: int) -> Counter[str]:
    found: Counter[str] = Counter()
    for cells in claims.values():
        for percent in percents_of(cells):
            for predictor in PREDICTORS:
                ratio = ratio_of(cells, percent, model, arm, predictor)
                if ratio is not None and percent <= most:
                    found[verdict_of(ratio)] += 1
    return found


def conclusion(found: Counter[str]) -> str:
    """Whether a claim of "better" holds, from how often it was better, worse and undecided."""
    if not found["better"] and not found["worse"]:
        return "undecided"
    if found["better"] > sum(found.values()) / 2 and not found["worse"]:
        return "holds"
    if not found["better"]:
        return "does NOT hold"
    return "holds in some cases only"


def say_counts(claims: dict[str, Cells], model: str, arm: str, most: int) -> str:
    found = counted(claims, model, arm, most)
    n = sum(found.values())
    if not n:
        return ""
    each = []
    for name, cells in claims.items():
        one = counted({name: cells}, model, arm, most)
        if one:
            each.append(f"{name} {one['better']} / {one['worse']} / {one['undecided']}")
    return (
        f"better than the original series in {found['better']} of {n} cases, worse in "
        f"{found['worse']}, undecided in {found['undecided']} ({'; '.join(each)}): "
        f"the claim {conclusion(found)}."
    ).replace("claim undecided", "claim is undecided")


def say_few_data(claims: dict[str, Cells]) -> list[str]:
    """Whether generators do with few data, for judges and for predictors."""
    lines = []
    for model in dict.fromkeys(m for cells in claims.values() for m in models_of(cells)):
        for name, cells in claims.items():
            lines += say_shares(name, cells, model)
        if text := say_counts(claims, model, "generated", FEW):
            lines.append(
                f"- {model}, predictors at {FEW}% or less, trained on its samples: {text}"
            )
    return lines or ["Nothing to say yet."]


def say_shares(name: str, cells: Cells, model: str) -> list[str]:
    """Compare what judges see at the smallest share with what they see at the largest."""
    shares = [percent for percent, one in cells if one == model]
    if len(set(shares)) < 2:
        return []
    fewest, most = min(shares), max(shares)
    parts, lost = [], []
    for judge, title in (("right", "DS"), ("boosting", "boosting")):
        low, high = (
            mean_of(pooled(cells[percent, model], "judged", judge)) for percent in (fewest, most)
        )
        parts.append(f"{title} {low.value:.3f} at {fewest}% and {high.value:.3f} at {most}%")
        # A single value has no interval: then by the difference alone, beyond chance.
        margin = np.nan_to_num(low.half) + np.nan_to_num(high.half)
        margin = max(margin, np.mean(pooled(cells[fewest, model], "judged", "floor")))
        lost += [title] if low.value - high.value > margin else []
    verdict = (
        f"few data cost quality ({' and '.join(lost)})" if lost else "few data cost nothing seen"
    )
    return [f"- {model}, {name}, against series not seen: {'; '.join(parts)}: {verdict}."]


def say_denoising(claims: dict[str, Cells]) -> list[str]:
    """Whether predictors gain from series without their noise."""
    lines = []
    pairs = dict.fromkeys(pair for cells in claims.values() for pair in arms_of(cells))
    for model, arm in pairs:
        if text := say_counts(claims, model, arm, 100):
            label = f"the {arm} series" if model == REAL else f"{model}, {arm}"
            lines.append(f"- {label}: {text}")
    return lines or ["Nothing to say yet."]
