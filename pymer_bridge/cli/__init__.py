"""The command line: it reads arguments, calls what Python users call, and prints.

May import: `verification`, `models`, `plots`, `replicates`, `r_script`, `session`, `results`,
`data`, `spec`, `display`, `errors`.

New here: a command is a function in `commands.py`; what several commands take is in
`model_options.py`.
"""
