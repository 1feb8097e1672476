"""The pipelines of CI, azure-pipelines.yml and .github/workflows: read, and checked beyond their schemas."""
