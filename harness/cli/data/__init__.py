"""`python -m harness.data`: what is needed from outside."""
