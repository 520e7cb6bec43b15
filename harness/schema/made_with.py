"""What traces were made with: versions and machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def mixture(sets: Sequence[Mapping[str, str]]) -> str:
    """What differs between sets of versions and machines, in one line; empty where nothing does.

    A fact that older traces do not name is compared among those that do.
    """
    names = sorted({name for each in sets for name in each})
    values = {name: sorted({each[name] for each in sets if name in each}) for name in names}
    differing = [f"{name} {' and '.join(found)}" for name, found in values.items() if len(found) > 1]
    return f"traces were made with {'; '.join(differing)}: their last digits may differ" if differing else ""
