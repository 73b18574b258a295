"""Run the command line with ``python -m pymer_bridge``."""

from pymer_bridge.cli.commands import main

raise SystemExit(main())
