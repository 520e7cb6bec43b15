"""The page that explains one architecture."""
