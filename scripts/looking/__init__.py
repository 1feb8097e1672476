"""Looking at a workspace: its jobs through `az ml`, its runs and models through MLflow; tables and pages of them."""
