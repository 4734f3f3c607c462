"""`python -m rankkit` is the command line."""

import sys

from rankkit.cli import main

sys.exit(main())
