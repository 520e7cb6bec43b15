"""From the command line to checked objects: Hydra composes, every fault becomes one line."""
