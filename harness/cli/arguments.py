"""The flags of Hydra's command line: parsed here, or refused in one line that says what to do."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from harness.config.composition import search_path
from harness.files.paths import is_folder
from harness.schema import BadInput, demand, suggestion

REFUSED = {
    "--config-name": "put the settings in FOLDER/experiment/NAME.yaml and run with --config-dir FOLDER experiment=NAME",
    "--config-path": "put the files in FOLDER/experiment, FOLDER/predictor, … and run with --config-dir FOLDER",
    "--hydra-help": "--help lists the settings, --cfg hydra those of Hydra; https://hydra.cc/docs describes them",
    "--experimental-rerun": "re-run the command itself: what is stored is not computed again",
}
"""Flags of Hydra that this command does not have, and what to do instead."""

INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


@dataclass(frozen=True)
class Arguments:
    """A command line: its overrides (key=value) and what is to be done with them.

    `show` is the part of the configuration to print ("job", "hydra", "all"), `info` one of INFO; both "" otherwise.
    """

    overrides: tuple[str, ...]
    sweep: bool
    help: bool
    version: bool
    show: str
    resolve: bool
    package: str
    info: str
    completion: bool

    @property
    def only_prints(self) -> bool:
        """Whether a flag asks for text instead of a run."""
        return self.help or self.completion or bool(self.show or self.info)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        flag = message.rpartition(" ")[2]
        near = suggestion(flag, self._option_string_actions) if flag.startswith("-") else ""
        raise BadInput(f"arguments: must be flags and KEY=VALUE (got an error: {message}){near}; --help lists both")


def parse_arguments(typed: list[str]) -> Arguments:
    """The arguments as typed, without the program's name. Raises BadInput, one line, for a flag that is refused."""
    for text in typed:  # a byte that is none is a surrogate here
        demand(not any("\ud800" <= letter <= "\udfff" for letter in text), "arguments", "UTF-8 text", text)
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("overrides", nargs="*")
    for flags in (("--help", "-h"), ("--version",), ("--resolve",), ("--run", "-r"), ("--multirun", "-m"),
                  ("--shell-completion", "-sc"), ("--hydra-help",)):  # fmt: skip
        parser.add_argument(*flags, action="store_true")
    parser.add_argument("--cfg", "-c", choices=("job", "hydra", "all"), default="")
    parser.add_argument("--info", "-i", choices=INFO, nargs="?", const="all", default="")
    parser.add_argument("--package", "-p", default="")
    parser.add_argument("--config-dir", "-cd", default="")
    for flags in (("--config-name", "-cn"), ("--config-path", "-cp"), ("--experimental-rerun",)):
        parser.add_argument(*flags)
    given = parser.parse_intermixed_args(typed)
    for flag, instead in REFUSED.items():
        if value := getattr(given, flag[2:].replace("-", "_")):
            raise BadInput(f"{flag}: must be left out (got {value!r}); {instead}")
    modes = [flag for flag, is_given in (("--run", given.run), ("-m", given.multirun), ("--cfg", given.cfg),
             ("--info", given.info), ("--shell-completion", given.shell_completion)) if is_given]  # fmt: skip
    demand(len(modes) <= 1, modes[-1] if modes else "", "given alone", " ".join(modes))
    demand(not given.package or bool(given.cfg), "--package", "used with --cfg", given.package)
    demand(not given.resolve or bool(given.cfg or given.help), "--resolve", "used with --cfg or --help", "--resolve")
    overrides = tuple(given.overrides)
    if given.config_dir:
        folder = Path(given.config_dir)
        demand(is_folder(folder), "--config-dir", "a folder", given.config_dir)
        overrides = search_path(overrides, folder)
    return Arguments(overrides, given.multirun, given.help, given.version, given.cfg, given.resolve, given.package,
                     given.info, given.shell_completion)  # fmt: skip
