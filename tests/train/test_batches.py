"""Batches against crops and mirror images made one image at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from harness.train.batches import TrainingImages, held_out, normalised
from tests.conftest import tiny_images


def test_every_batch_holds_crops_or_mirrored_crops_of_its_images() -> None:
    images = tiny_images(colours=3, crop=2)
    data = TrainingImages(images, torch.device("cpu"))
    drawn = next(data.draws(12, torch.Generator().manual_seed(0)))
    batch, labels = data.take(drawn)
    assert batch.shape == (12, 3, 8, 8) and torch.equal(labels, torch.tensor(images.train[1])[drawn.rows])
    framed = np.pad(
        images.train[0][drawn.rows], ((0, 0), (2, 2), (2, 2), (0, 0))
    )  # black, as the benchmark pads the image
    padded = normalised(torch.tensor(framed), images).permute(0, 3, 1, 2)
    kinds = set()
    for image, source in zip(batch, padded, strict=True):
        options = {
            (i, j, m): (source[:, i : i + 8, j : j + 8].flip(2) if m else source[:, i : i + 8, j : j + 8])
            for i in range(5)
            for j in range(5)
            for m in (False, True)
        }
        found = [key for key, option in options.items() if torch.equal(option, image)]
        assert len(found) == 1
        kinds.add(found[0])
    assert len(kinds) > 6


def test_an_epoch_shows_every_image_once() -> None:
    data = TrainingImages(tiny_images(flip=False, crop=0), torch.device("cpu"))
    batches = list(data.epoch(16, torch.Generator().manual_seed(0)))
    assert [len(y) for _, y in batches] == [16, 16, 8]
    seen = torch.cat([x for x, _ in batches]).flatten(1)
    everything = data.images.permute(0, 3, 1, 2).flatten(1)
    assert torch.equal(seen.sort(0).values, everything.sort(0).values)


def test_held_out_images_are_never_augmented() -> None:
    images = tiny_images()
    x, y = held_out(images, "valid", None, torch.device("cpu"))
    assert torch.equal(x, normalised(torch.tensor(images.valid[0]), images).permute(0, 3, 1, 2))
    assert torch.equal(y, torch.tensor(images.valid[1]))


def test_a_few_held_out_images_of_a_sorted_set_show_all_classes_and_are_always_the_same() -> None:
    images = tiny_images()
    order = np.argsort(images.valid[1], kind="stable")
    images = replace(images, valid=(images.valid[0][order], images.valid[1][order]))
    x, y = held_out(images, "valid", 9, torch.device("cpu"))
    assert len(x) == 9
    assert set(y.tolist()) == {0, 1, 2}
    assert torch.equal(x, held_out(images, "valid", 9, torch.device("cpu"))[0])
