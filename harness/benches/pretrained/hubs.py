"""Pre-trained networks of torchvision, timm and Hugging Face; each package is imported only where it is named."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from harness.files import offline
from harness.schema import BadInput, demand

from .backbone import Backbone

EXTRAS = {"torchvision": "torchvision", "timm": "timm", "huggingface": "timm"}
"""What has to be installed for each source; Hugging Face's models are read by timm (`hf-hub:OWNER/NAME`)."""

WEIGHTED = (nn.Linear, nn.Conv2d)


class HubNetwork(Backbone):
    """A classifier from a hub: features (B, d) are what its last dense layer, or last convolution, reads.

    `mean` and `std` are in units of 0..255.
    """

    def __init__(self, model: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.mean, self.std, self.place = mean, std, _place_of_classifier(model)
        self.classifier = (model.get_submodule(self.place),)  # in a tuple: no submodule
        model.set_submodule(self.place, nn.Identity())
        self.model = model

    def sha256(self) -> str:
        """SHA-256 (hex) of all weights and buffers, those of the classifier too, with their names and shapes."""
        held = {**self.model.state_dict(), **self.classifier[0].state_dict(prefix="classifier ")}
        digest = hashlib.sha256()
        for name, tensor in sorted(held.items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def features(self, images: Tensor) -> Tensor:
        """What the classifier reads, averaged over space."""
        return self._read(images)[0]

    def outputs(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Features and logits, in one pass."""
        absent = self.model.get_submodule(self.place)
        self.model.set_submodule(self.place, self.classifier[0].to(images.device))
        try:
            return self._read(images)
        finally:
            self.model.set_submodule(self.place, absent)

    def _read(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """What stands in the classifier's place reads, and the network's output."""
        seen: list[Tensor] = []
        place = self.model.get_submodule(self.place)
        hook = place.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        try:
            logits: Any = self.model(images)
        finally:
            hook.remove()
        features = seen[-1].mean((2, 3)) if seen[-1].dim() == 4 else seen[-1].flatten(1)
        return features, _logits(logits)


def load(source: str, name: str, pretrained: bool = True) -> HubNetwork:
    """The network `name` of "torchvision", "timm" or "huggingface".

    `pretrained` false gives random weights of the same architecture and needs no download. Raises BadInput where the
    package is missing, the name is unknown, or weights cannot be had ($HARNESS_OFFLINE forbids downloads).
    """
    package = _package(source)
    read: Callable[[Any, str, bool], HubNetwork] = _torchvision if source == "torchvision" else _timm
    try:
        return read(package, f"hf-hub:{name}" if source == "huggingface" else name, pretrained)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, BadInput):
            raise
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"bench.models: must be networks that {source} can load (got {name}: {reason})") from error


@functools.cache
def checksum(source: str, name: str) -> str:
    """SHA-256 (hex) of the pre-trained weights; the network is loaded for it, once a process. Raises as `load`."""
    return load(source, name).sha256()


def _package(source: str) -> Any:
    extra = EXTRAS[source]
    try:
        return import_module(extra)
    except (ImportError, RuntimeError, OSError) as error:  # torchvision made for another torch raises RuntimeError
        wanted = f'a source that can be imported (pip install "early-training-harness[{extra}]")'
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f"bench.models: must be of {wanted} (got {source}:...: {reason})") from error


def _torchvision(package: Any, name: str, pretrained: bool) -> HubNetwork:
    models = package.models
    demand(name in models.list_models(), "bench.models", "a classifier of torchvision", name)
    weights = models.get_model_weights(name).DEFAULT if pretrained else None
    if weights is not None:
        _demand_online(weights.url.rpartition("/")[2], name)
    model = models.get_model(name, weights=weights)
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    if weights is not None:
        form = weights.transforms()
        mean, std = tuple(form.mean), tuple(form.std)
    if hasattr(model, "aux_logits"):
        model.aux_logits, model.AuxLogits = False, None  # Inception: auxiliary logits are for training from nothing
    return HubNetwork(model, _scaled(mean), _scaled(std))


def _timm(package: Any, name: str, pretrained: bool) -> HubNetwork:
    if pretrained and offline():
        raise BadInput(f"bench.models: must be at hand where HARNESS_OFFLINE is set (got {name})")
    model = package.create_model(name, pretrained=pretrained)
    form = model.pretrained_cfg
    return HubNetwork(model, _scaled(tuple(form["mean"])), _scaled(tuple(form["std"])))


def _demand_online(file: str, name: str) -> None:
    from pathlib import Path

    if offline() and not (Path(torch.hub.get_dir()) / "checkpoints" / file).is_file():
        raise BadInput(f"bench.models: must be at hand where HARNESS_OFFLINE is set (got {name}, no {file})")


def _scaled(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(255 * float(value) for value in values)


def _place_of_classifier(model: nn.Module) -> str:
    """Name of the last dense layer or convolution, in the order of definition."""
    weighted: list[str] = [name for name, module in model.named_modules() if isinstance(module, WEIGHTED)]
    demand(bool(weighted), "bench.models", "a network with a dense layer", type(model).__name__)
    return weighted[-1]


def _logits(given: Any) -> Tensor:
    return given if isinstance(given, Tensor) else given[0]
