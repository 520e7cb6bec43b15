"""Configuration files, in the folders of their groups."""
