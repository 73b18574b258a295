"""Proof that figures are R's: each under a key, in records, and beside those of other processes.

`pytest_plugin.py` brings this into the tests of other people.

May import: `models`, `plots`, `replicates`, `r_script`, `session`, `results`, `data`, `spec`,
`display`, `errors`.

New here: a result with figures to prove gets its keys in `result_figures.py`.
"""
