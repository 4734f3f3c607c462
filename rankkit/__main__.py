"""`python -m rankkit` is the command line."""

import sys

from rankkit.cli.main import main

sys.exit(main())
