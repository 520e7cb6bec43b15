"""Classes that limits of the images leave without a training image."""

from __future__ import annotations

import logging

import numpy as np

from harness.schema import ImageSet


def with_warning(images: ImageSet) -> ImageSet:
    """The images, after a logged warning for classes that are validated or tested and never trained.

    No network can get these right.
    """
    trained = images.train[1]
    for part, labels in (("validation", images.valid[1]), ("test", images.test[1])):
        lost = np.setdiff1d(labels, trained)
        if len(lost):
            share, which = float(np.isin(labels, lost).mean()), ", ".join(map(str, lost[:10].tolist()))
            more = f" and {len(lost) - 10} more" if len(lost) > 10 else ""
            logging.getLogger(__name__).warning(
                "number of classes that are never trained: %d; they have %s images (%.1f %% of them): %s%s",
                len(lost), part, 100 * share, which, more,
            )  # fmt: skip
    return images
