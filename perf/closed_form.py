"""The closed form of beta_eff against explicit line graphs: seconds and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from scipy.sparse import coo_array, csr_array
from torch import Tensor

from harness.measures.capacitance import Form as Units
from harness.measures.capacitance import Probe, beta_eff
from harness.train.process import prepare
from perf.comparison import alternate, quartiles

Form = Callable[[list[Tensor], list[Tensor], list[Tensor]], Tensor | float]


def closed(repeats: int) -> None:
    """beta_eff of one probe 64-256-128-10 on 128 images: the closed form against its line graph."""
    prepare(1)
    sizes, images = (64, 256, 128, 10), 128
    probe = Probe(sizes, 1, Units(), 0)
    torch.manual_seed(0)
    states = probe.states(torch.randn(images, sizes[0]).relu(), torch.float32)
    deltas = probe.deltas(states, torch.arange(images) % sizes[-1], "softmax")
    known = (states.activations, states.slopes, deltas)

    def timed(many: int, form: Form) -> float:
        begin = time.process_time()
        for _ in range(many):
            found.append(float(form(*known)))
        return (time.process_time() - begin) / many

    found: list[float] = []
    entries = sum(a * b * c for (a, b), c in zip(pairwise(sizes), sizes[2:], strict=False))
    weights = sum(a * b for a, b in pairwise(sizes))
    small = 4 * 2 * max(a * b for a, b in pairwise(sizes))
    print(f"\n{weights} weights, {entries} couplings; numbers kept at a time, float32:")
    print("\n| line graph | seconds | closed form, s | time ratio | quartiles | memory | closed form | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    forms: tuple[tuple[str, Form | None, int], ...] = (
        ("a sparse matrix, image by image", sparse, 8 * entries),
        ("couplings alone, image by image", image_by_image, 4 * entries),
        ("couplings alone, one product of matrices", unit_by_unit, 4 * entries),
        ("P as a matrix (memory alone)", None, 4 * weights**2),
    )
    for name, form, memory in forms:
        sizes_shown = f"{memory / 1e6:.3g} MB | {small / 1e6:.3g} MB | **{memory / small:.0f}**"
        if form is None:
            print(f"| {name} | | | | | {sizes_shown} |")
            continue
        slowly, fast_form = partial(timed, 1, form), partial(timed, 50, partial(beta_eff, coupling="absolute"))
        times = alternate(slowly, fast_form, repeats)
        if not np.allclose(found, found[0], rtol=1e-4):
            raise AssertionError("the two forms differ")
        slow, fast = np.median(times, axis=0)
        ratio = quartiles(times[:, 0] / times[:, 1])
        print(f"| {name} | {slow:.3f} | {fast:.6f} | {ratio} | {sizes_shown} |", flush=True)


def sparse(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor]) -> float:
    """beta_eff from |P| as the adjacency of the line graph, whose nodes are weights; one image after the other."""
    sizes = [a.shape[-1] for a in (*activations, deltas[-1])]
    starts = np.cumsum([0, *(a * b for a, b in pairwise(sizes))])
    total = csr_array((starts[-1], starts[-1]), dtype=np.float32)
    for image in range(activations[0].shape[1]):
        rows, columns, values = [], [], []
        for layer, (a, s, d) in enumerate(zip(activations, slopes, deltas[1:], strict=False)):
            one = s[0, image].abs()[:, None, None] * a[0, image].abs()[None, :, None] * d[0, image].abs()[None, None]
            i, j, k = np.indices(one.shape, dtype=np.int32)
            rows.append((starts[layer] + i * sizes[layer] + j).ravel())
            columns.append((starts[layer + 1] + k * sizes[layer + 1] + i).ravel())
            values.append(one.numpy().ravel() / activations[0].shape[1])
        places = (np.concatenate(rows), np.concatenate(columns))
        total = total + coo_array((np.concatenate(values), places), shape=total.shape).tocsr()
    inward, outward = total.sum(axis=1), total.sum(axis=0)
    return float(outward @ inward / inward.sum())


def image_by_image(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor]) -> float:
    """beta_eff from |P|, entry by entry, as the definition has it: the mean over images of |a_j s_i d_k|."""
    couplings = []
    for a, s, d in zip(activations, slopes, deltas[1:], strict=False):
        total = torch.zeros(s.shape[-1], a.shape[-1], d.shape[-1])
        for image in range(a.shape[1]):
            one = a[0, image].abs()[None, :, None] * s[0, image].abs()[:, None, None] * d[0, image].abs()[None, None]
            total += one
        couplings.append(total / a.shape[1])
    return of_couplings(couplings)


def unit_by_unit(activations: list[Tensor], slopes: list[Tensor], deltas: list[Tensor]) -> float:
    """The same, all images of a unit in one product of matrices."""
    found = [
        torch.einsum("bj,bi,bk->ijk", a[0].abs(), s[0].abs(), d[0].abs()) / a.shape[1]
        for a, s, d in zip(activations, slopes, deltas[1:], strict=False)
    ]
    return of_couplings(found)


def of_couplings(couplings: list[Tensor]) -> float:
    """<1'P, P1> / sum P1, couplings (n_l, n_(l-1), n_(l+1)) of each pair of layers."""
    inward = [coupling.sum(2) for coupling in couplings]
    outward = [coupling.sum(1).T for coupling in couplings]
    numerator = sum(float((i * o).sum()) for i, o in zip(inward[1:], outward, strict=False))
    return numerator / sum(float(i.sum()) for i in inward)
