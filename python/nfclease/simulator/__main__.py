"""``python -m nfclease.simulator``."""

import sys

from nfclease.simulator.cli import main

sys.exit(main())
