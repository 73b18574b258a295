"""What a model may be asked for: options, families, controls and formulas, checked before R.

Each check returns what R needs, or raises an `OptionError` that lists what is possible.

May import: `errors`.

New here: an option with few values is a `Literal` in `options.py`; arguments that belong together
are a frozen dataclass, such as those of `families.py`.
"""
