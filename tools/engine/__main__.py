"""`python tools/engine`: find or make a Pulumi engine, and print the folder that holds its executables."""

import sys

from pulumi_engine.search import main, routes

sys.exit(main(routes))
