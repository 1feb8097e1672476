"""What a branch changes in the rendered specs of each environment."""
