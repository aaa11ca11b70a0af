"""The documentation site: `make docs` builds it into out/docs, without a network and with nothing loaded from one."""

from pathlib import Path

from filmlens import __version__

project, author, version, release = "FilmLens", "The FilmLens developers", __version__, __version__
copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
root_doc = "site/index"
exclude_patterns = ["site/_templates"]

# absolute, because one reader looks beside this file and another beside the pages
templates_path = [str(Path(__file__).resolve().parent / "_templates")]
html_theme = "alabaster"
html_theme_options = {
    "description": "How music characterizes genre in film",
    "fixed_sidebar": True,
    "page_width": "960px",
    "sidebar_width": "220px",
}
html_show_sourcelink = False
html_static_path = ["static"]
html_css_files = ["site.css"]

autosummary_generate = True
autosummary_imported_members = False
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

myst_heading_anchors = 3
# links to notebooks and to files of the repository lead out of the site; docstrings of scikit-learn name its own pages
suppress_warnings = ["myst.xref_missing", "autosummary", "ref.term", "ref.ref", "ref.python", "autodoc"]
