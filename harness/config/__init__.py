"""From the command line to checked objects: Hydra composes, every error becomes one line."""
