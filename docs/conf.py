"""The user guide: `make guide` builds it into build/guide. Every link and picture must be there, or it is not built."""

from __future__ import annotations

import pingmon_gui

project = "Pingmon"
author = "The Pingmon developers"
copyright = "2026, The Pingmon developers"
release = version = pingmon_gui.__version__
extensions = ["myst_parser", "sphinxarg.ext"]
# Decisions and licences are for those who read the sources.
exclude_patterns = ["adr", "licences"]
myst_heading_anchors = 3
nitpicky = True

# Blocks are what is typed in a terminal, unless they say otherwise.
highlight_language = "none"
# Options are typed as they are written.
smartquotes = False

html_theme = "furo"
html_title = f"Pingmon {release}"
html_favicon = html_logo = "../resources/pingmon.svg"
html_copy_source = html_show_sourcelink = False
# Read from a folder, without a web server: nothing is fetched from anywhere.
html_theme_options = {"top_of_page_buttons": []}
html_css_files = ["guide.css"]
html_static_path = ["static"]
