"""What a user types; the only room that knows Hydra's command line."""
