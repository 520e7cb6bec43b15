"""NAS-Bench-Macro: a space of whole networks, eight searched layers of three choices each."""
