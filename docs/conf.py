"""Settings of Sphinx: https://www.sphinx-doc.org/en/master/usage/configuration.html."""

import sklstm

project = "sklstm"
release = sklstm.__version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "sg_execution_times.rst"]
templates_path = ["_templates"]
html_theme = "pydata_sphinx_theme"
html_show_copyright = False

# In docstrings and examples, `names` are links wherever there is a page.
default_role = "py:obj"
rst_prolog = ".. py:currentmodule:: sklstm"

# The API reference has a page for each name in the __all__ of a public module, and no list of them.
autosummary_ignore_module_all = False
autosummary_imported_members = True
numpydoc_show_class_members = False
maximum_signature_line_length = 80

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "backreferences_dir": "gallery/backreferences",
    "doc_module": ("sklstm",),
    "reference_url": {"sklstm": None},
    "capture_repr": (),
    "download_all_examples": False,
    "show_memory": False,
}
