"""Findings of ``benchmarks.rules``, each argued in a sentence.

Looked at by eye. A set, words of the rule, and whether it is true of the data.
"""

PRINTED = "true: the table prints so many decimals"

SUMS = "true but for rounding and other parts: incomes and expenses are parts of the product"
RATES = "true but for rounding: the real interest is the nominal one less inflation"

REMARKS: list[tuple[str, str, str]] = [
    ("sktime, macroeconomic", "infl = f", RATES),
    ("sktime, macroeconomic", "realgdp = f", SUMS),
    ("statsmodels, macrodata", "infl = f", RATES),
    ("statsmodels, macrodata", "realgdp = f", SUMS),
    (
        "windows of a walk",
        "moves around levels",
        "true of these windows (a walk of 2,000 steps leads far away), and it restricts nothing",
    ),
    ("sktime, airline", "in whole numbers", "true: thousands of passengers, as published"),
    ("sktime, airline", "> 0", "true of passengers, who grow sixfold, with their season"),
    ("sktime, lynx", "in whole numbers", "true: animals are counted"),
    ("sktime, lynx", "> 0", "true as far as seen: 39 to 6,991 animals in each of 114 years"),
    ("sktime, shampoo_sales", "steps", PRINTED),
    ("sktime, unit_test", "whole numbers", "true: Chinatown's pedestrians are counted"),
    ("sktime, PBS_dataset", "in whole numbers", "true: scripts are counted"),
    ("sktime, PBS_dataset", "counts", "true: 0 to 14, rarer and rarer, 13 unseen by chance"),
    ("sktime, macroeconomic", "in steps", PRINTED),
    ("sktime, macroeconomic", "> 0", "true: consumption and gross investment are above 0"),
    ("statsmodels, sunspots", "steps", PRINTED),
    ("statsmodels, nile", "whole", "true as published: 100 million cubic metres are counted"),
    ("statsmodels, macrodata", "in steps", PRINTED),
    ("statsmodels, macrodata", "> 0", "true: consumption and gross investment are above 0"),
    ("statsmodels, co2", "steps", PRINTED),
    ("statsmodels, elnino", "steps", PRINTED),
    (
        "statsmodels, copper",
        "TIME in whole",
        "true: years are numbered 1 to 25; that it rises is no rule yet, for want of steps",
    ),
    ("statsmodels, copper", "steps", PRINTED),
    ("statsmodels, interest_inflation", "steps", PRINTED),
    ("statsmodels, strikes", "whole", "true: days of a strike are counted"),
    ("statsmodels, grunfeld", "> 0", "true: gross investment, market value and stock of plant"),
    ("scikit-learn, digits", "whole numbers", "true: pixels are counted in blocks of 4 x 4"),
    ("scikit-learn, digits", "one of 17", "true: 0 to 16 pixels of a block are set"),
]
