"""What the verbs' command lines have in common."""

import argparse


def env_parser(usage: str | None) -> argparse.ArgumentParser:
    """Parser of a verb that is about one environment.

    Args:
        usage: docstring of the verb's module, shown as it is.
    """
    parser = argparse.ArgumentParser(description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--env", default="local", help="environment: a file of config/ (default: local)")
    return parser
