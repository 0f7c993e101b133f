"""``python -m glassplate``: the command line, where no ``glassplate`` script is on the path."""

from glassplate.cli.main import run

run()
