"""What `make doctor` asks before anything runs: tools, login, names of the config, Azure, the pipeline's own things."""
