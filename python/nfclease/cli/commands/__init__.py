"""One module for each command: ``HELP``, ``EPILOG``, ``add(parser)`` and ``run(args, console)``.

They are imported to make the parser, so they import what a run needs in ``run`` alone.
"""
