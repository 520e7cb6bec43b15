"""The native step: one update of a small network as one call of compiled C, in place of a hundred of torch's."""
