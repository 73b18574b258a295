"""The methods of fitted models, a family in each file; the classes of models inherit them.

A method checks its arguments, asks R once, and returns a result.

May import: what `models` may, and `base.py`.

New here: a method in the file of its family; for a new family copy `emmeans.py`.
"""
