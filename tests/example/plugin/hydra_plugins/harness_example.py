"""Puts the package's configuration on Hydra's search path wherever the package is installed."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin


class HarnessExample(SearchPathPlugin):
    """Hydra finds every such class in the namespace package `hydra_plugins`."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder of YAML files."""
        search_path.append(provider="harness-example", path="pkg://harness_example.conf")
