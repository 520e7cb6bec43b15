"""The native step: one update of a small network as one call of compiled C, instead of a hundred of torch's."""
