"""The site's settings; what is our own about it lies in extensions/, one idea a module."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

import rankkit

project, author, copyright = "rankkit", "the rankkit developers", "the rankkit developers"  # noqa: A001
version = release = rankkit.__version__
extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
extensions += ["checkout", "columns", "command_help", "mathml", "public_names", "records"]

html_theme, html_title = "furo", "rankkit"
html_static_path, html_css_files, html_js_files = ["static"], ["site.css"], ["records.js"]
html_math_renderer = "mathml"
html_copy_source, html_show_sourcelink = False, False

myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # notebooks are committed with their outputs, and the tests run them

default_role = "py:name"  # a docstring's single backticks link to what they name
nitpicky = True
nitpick_ignore = [("py:exc", "TimeIsUp")]  # raised within a check, and caught there: no public name
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings state the types together with their shapes
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_custom_sections = [("Attributes", "params_style")]  # as parameters: their types are words, not links
napoleon_use_rtype = False
python_maximum_signature_line_length = 100
