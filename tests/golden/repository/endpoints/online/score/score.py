"""Scores."""

from azureml.ai.monitoring import Collector

inputs, outputs = Collector(name="model_inputs"), Collector(name="model_outputs")
