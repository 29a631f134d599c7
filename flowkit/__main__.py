"""``python -m flowkit`` is the command line."""

from flowkit.cli import main

main()
