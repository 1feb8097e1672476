"""Signals of model monitoring, with the numbers that Azure's own monitoring components give."""
