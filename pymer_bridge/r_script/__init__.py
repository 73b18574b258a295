"""Scripts of plain R that users keep: what was fitted and asked, as they would have written it.

Text is built here and never run here; what can be a file is one, in `r/script/`.

May import: `session`, `results`, `data`, `spec`, `display`, `errors`.

New here: how a call is written stands in `calls.py`; for calls of several models copy
`comparisons.py`.
"""
