"""A search space of one's own: multilayer perceptrons of one to three hidden layers."""

from dataclasses import dataclass
from itertools import pairwise, product
from typing import ClassVar

from torch import Tensor, nn

from harness.benches.listed import ListedSpace
from harness.schema import Architecture, ImageSet

WIDTHS = (4, 16, 64)


class Perceptron(nn.Module):
    """Hidden layers of these widths with ReLU; `features` and `head` are what the harness reads."""

    def __init__(self, widths: list[int], inputs: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        for before, after in pairwise([inputs, *widths]):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        return self.head(self.features(images))


@dataclass(frozen=True)
class MlpSpace(ListedSpace):
    """39 networks, named by their widths: `64-16` has two hidden layers."""

    kind: ClassVar[str] = "bench/mlp_space"

    name: str = "mlp_space"
    source: str = "accuracies.csv"

    def names(self) -> list[str]:
        """Every choice of one to three widths."""
        return ["-".join(map(str, widths)) for depth in (1, 2, 3) for widths in product(WIDTHS, repeat=depth)]

    def build(self, architecture: Architecture, images: ImageSet) -> nn.Module:
        """The network of this name for images of this size."""
        widths = [int(width) for width in architecture.name.split("-")]
        return Perceptron(widths, images.size**2 * images.colours, images.classes)
