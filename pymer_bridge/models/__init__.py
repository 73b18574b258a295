"""The functions that fit, the classes of models, and what takes several models.

`lmer.py`, `glmer.py` and their kin hold a function that fits and the class of what it returns. The
methods of the classes lie in `methods/`, by what they are about; what mixed models alone have
stands in `mixed_fit.py` (the parts of a fit) and `mixed.py`.

May import: `plots`, `replicates`, `r_script`, `session`, `results`, `data`, `spec`, `display`,
`errors`.

New here: for another function that fits copy `nlmer.py`; for one that takes several models,
`comparisons.py`.
"""
