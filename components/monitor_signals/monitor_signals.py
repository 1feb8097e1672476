"""Signals of a model monitor over one pair of datasets, with the figures that Azure's own monitors give."""

import sys

from quicken import quicken

if __name__ == "__main__":
    quicken()
    from signals.command import main, parse_args

    sys.exit(main(parse_args()))
