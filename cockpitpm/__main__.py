"""`python -m cockpitpm`."""

import sys

from cockpitpm.cli import main

sys.exit(main())
