"""Sphinx's configuration: `tox -e docs` builds the pages into .tox/docs/html. See ARCHITECTURE.md for why Sphinx."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / "_extensions")]

project = "Webhook resilience harness"
author = "The harness's authors"
html_title = project
html_theme = "furo"
html_show_copyright = False
html_copy_source = False

extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_click",
    "defaults", "registered", "keys", "offline",
]  # fmt: skip
needs_sphinx = "9.0"
exclude_patterns = ["_extensions"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3

# Docstrings are written in Markdown's manner: what stands between single backquotes is code.
default_role = "literal"
smartquotes = False
add_module_names = False
python_use_unqualified_type_names = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
# By their names, where the pages tell what each may be.
autodoc_type_aliases = {name: name for name in ("Errno", "Need", "PairVerdict", "Role", "StateCheck", "SymptomCheck")}

html_theme_options = {"footer_icons": []}
