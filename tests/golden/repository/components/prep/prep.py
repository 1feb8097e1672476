"""Cleans mini-batches."""
