"""The command line: it reads arguments, calls what Python users call, and prints.

May import: `verification`, `models`, `plots`, `replicates`, `r_script`, `session`, `results`,
`data`, `spec`, `display`, `errors`.

New here: a command is a function in `commands.py` and a row of its `COMMANDS`; its arguments and
its help are in `arguments.py`.
"""
