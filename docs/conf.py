"""Sphinx: `make docs` writes the pages to docs/_build/html."""

import sklearn_timegen

project = "sklearn-timegen"
author = "the sklearn-timegen developers"
version = release = sklearn_timegen.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc", "myst_parser"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
# References into scikit-learn's own pages, and files beside the documentation.
suppress_warnings = ["ref.ref", "ref.term", "myst.xref_missing"]

autodoc_typehints = "none"
autodoc_inherit_docstrings = True
numpydoc_show_class_members = True
numpydoc_class_members_toctree = False
numpydoc_show_inherited_class_members = True
myst_heading_anchors = 2
