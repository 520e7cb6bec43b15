"""Plug-ins for harness from a package of their own: one measure, one predictor, one figure."""
