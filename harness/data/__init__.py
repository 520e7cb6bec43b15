"""The front door to files from outside: what is there, what is missing, and getting it."""
