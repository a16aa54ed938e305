"""``python -m nfclease``: the command line."""

from nfclease.cli.main import main

raise SystemExit(main())
