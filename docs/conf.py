"""How the site is built: `make site`, or `python -m sphinx docs build/site`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

project = "derive-kernels"
author = "The derive-kernels developers"
project_copyright = author

extensions = ["myst_parser", "docs.site"]
exclude_patterns = ["site"]
source_suffix = {".md": "markdown"}

html_theme = "furo"
html_title = "derive-kernels"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sphinx = False
smartquotes_action = "qe"  # quotes and ellipses; two hyphens begin an option
