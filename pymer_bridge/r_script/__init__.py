"""Scripts of plain R that users keep: what was fitted and asked, as they would have written it.

Text is built here and never run here; what can be a file is one, in `r/script/`.

May import: `session`, `results`, `data`, `spec`, `display`, `errors`.

New here: a call of R is a function in `calls.py` and a row of `operations.py`; copy `ranova`.
"""
