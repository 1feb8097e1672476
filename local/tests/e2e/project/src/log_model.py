"""Trains a model of nothing and registers it through MLflow."""

import mlflow
from sklearn.dummy import DummyRegressor

with mlflow.start_run():
    mlflow.log_metric("rmse", 0.5)
    mlflow.sklearn.log_model(
        DummyRegressor().fit([[0.0]], [1.0]), "model", registered_model_name="logged", pip_requirements=["scikit-learn"]
    )
