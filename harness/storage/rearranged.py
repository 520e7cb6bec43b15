"""Digests of code that was rearranged: it computes the same bits, so that what was made by it is not made again."""

from __future__ import annotations

from types import MappingProxyType

REARRANGED = MappingProxyType({
    "9209bc07748ce6652e70ad44c27c6378c63f6276941eecb27c22f0fce6a64f00":  # measure/az_nas
    "a7a12feceec91896417270977fae487f9504f81aa80f646b2f3a98191b17c1cf",
    "52b47cc15290131b458d9019ff697126f1da6860175250913c301150bd49d6e9":  # measure/capacitance
    "a2880722fb8bd1d11ce09dad71db94afd18a280ee96b20b3cddb21469fa205ae",
    "6340d466bdaccf7ee46b9e9811c593bc4f1e636040335735fc581e4003913adb":  # measure/fisher
    "f34ebe012861e14fcc6e0bc3afcf02c4528e17ee624b52b62cd8d3e8584e5810",
    "661d75b290cc322265d3679ba63c060c69ee528d2febd62c820f82409684bf65":  # measure/jacobian_covariance
    "c80e7dbcb1f9e652a10f047bad13d27940111911d2c798586230b9f5ee7669f8",
    "ee47f267318ff86eefbc6689d2bb391e20baaa5a585f407c2cfb8f34ad17622e":  # measure/loss_gradient
    "3e5d3f8987fb95faa12738d1cebfa879271f52f8c1ae8a7cbdbf35cfca4e4dbc",
    "1253be5d76cab4af24f503b1085bf7203617c19b1b6e964b484d355057c282e3":  # measure/naswot
    "04503938fb247cc5e429c5474e9566cdc3b8d4fdbb84b10cf50ebbd151102541",
    "30b5dd78fb124e51dd276bc7362043646ce777cdfc4e87bbb5f9094b932e4973":  # measure/untrained
    "e3f7aa02c41eef98bae7a89e06ee45ec65e27a0ad53243b979097f36ce20bec7",
    "f59e3e29d00aef7ac99627a1c6fc11763395b56c40b74c92d0b1d5aa0fd61c07":  # measure/zico
    "fb283b224f308d2194aa9b05b24cf5321e99295efaa4a1a7ccb597c4d62e52b8",
})  # fmt: skip
"""The digest of the code of today: that of the code when traces were first made by it.

Where an edit changes what a measure computes, its digest of today is not here, and its traces are trained again. Where
an edit changes no bit, replace the key by the digest of today (tests/storage/test_rearranged.py names it).
"""
