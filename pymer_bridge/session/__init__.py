"""R in this process: one thread that may touch it, vectors in and out, what is installed.

Only `r_session.py` and `convert.py` import rpy2. The words of mixed models stay above.

May import: `results`, `data`, `spec`, `display`, `errors`.

New here: what asks R about itself, or for data, does so by `ask()` of `asking.py`; copy
`datasets.py`.
"""
