"""Series with dates in, series with dates out."""

from sklearn_timegen.series.generator import SeriesGenerator

__all__ = ["SeriesGenerator"]
