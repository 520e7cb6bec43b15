"""The part of the page that a reader explores: the data it carries and the scripts that show them."""
