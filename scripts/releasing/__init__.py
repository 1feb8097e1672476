"""Releases: what was promoted to an environment, on which evidence, and what is deployed there."""
