"""Whether augmentation helps: ``python -m benchmarks.augmentation``.

Every arm gets the same forecaster or classifier, the same data and the same number of synthetic
series; *none* gets no synthetic ones, and all errors are relative to its error in the same case.
Four tasks. Bagging: ``BaggingForecaster`` over 10 versions of a series and itself, which end as
it does or, as the other bootstraps' do, with a *free end*. Reduction: a regressor on the window
table of one series, and as many synthetic rows as real ones. Global: one reduction of the series
of a panel, and three versions of each. Classification: classes of which some were reduced to a
fifth, filled up to the size of the largest.

Controls: *repeat* is the real data once more, *jitter* adds noise of a tenth of the spread of
the increments, *MBB* and *STL* are sktime's ``MovingBlockBootstrapTransformer`` and
``STLBootstrapTransformer`` (the latter where there is a season, and values are positive; its
lambda between 0 and 1, as Bergmeir, Hyndman and Benitez have it, because without bounds many of
its versions hold values that are not finite). Bagging over copies is the forecaster itself, so
that it has no *repeat*. *auto* finds out how many synthetic series of PCAMixture to take, three
times the real ones or ten versions at most, and may take none; bagging has no such thing.
TimeVAE trains for 20 epochs, much less than its default.

Errors of forecasts: mean absolute ones in units of those of the seasonal naive forecast within
the training part, over the last test periods, each from what came before it. The test periods
are the same for 10, 30 and 100% of the data, which are the latest timesteps before them, but at
least three seasons or 30 of them: what comes to about the same length counts for the smallest
fraction (see the table at the end). Panels hold the latest 480 timesteps. Errors of
classification: one minus the balanced accuracy, and half an error more, so that none is no
division by zero.

No package at hand holds M3's series. In their place stand the monthly series that sktime and
statsmodels ship: too few to speak for M3.
"""
