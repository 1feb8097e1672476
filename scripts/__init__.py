"""Verbs of this repository: one module a verb, run as `python -m scripts.<verb>`."""
