"""Contrast of every colour as WCAG counts it, and the scale as people with other colour vision see it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from flowkit.view.bundle import STATIC

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB
VISION = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
SCALES = re.findall(r"\[(\d+), (\d+), (\d+)\]", (STATIC / "colours.js").read_text().split("export")[0])
WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def tokens(theme: str) -> dict[str, str]:
    return dict(re.findall(r"--fk-([\w-]+): (#\w{6});", (STATIC / f"{theme}.css").read_text()))


def linear(colour: str | tuple[str, ...]) -> np.ndarray:
    parts = [int(colour[at : at + 2], 16) for at in (1, 3, 5)] if isinstance(colour, str) else list(map(int, colour))
    part = np.array(parts) / 255
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(one, other) -> float:
    dark, light = sorted(float(WEIGHTS @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("colour", "ground", "least"),
    [
        ("fg", "bg", 7), ("muted", "bg", 4.5), ("muted", "card", 4.5), ("accent", "bg", 4.5), ("accent", "card", 4.5),
        ("warn-text", "warn-ground", 4.5), ("warn-text", "bg", 4.5), ("warn-text", "card", 4.5), ("fg", "card", 7),
        ("edge", "ground", 3), ("warn", "bg", 3), ("warn", "ground", 3), ("silent", "ground", 3), ("fg", "band-one", 7),
    ],
)  # fmt: skip
def test_words_and_marks_stand_out(theme, colour, ground, least):
    known = tokens(theme)
    assert contrast(known[colour], known[ground]) >= least


@pytest.mark.parametrize("vision", VISION)
def test_the_scale_stays_a_scale_in_every_vision(vision):
    """More is darker on light pages, for everybody: brightness never turns back along the ramp."""
    seen = np.array([WEIGHTS @ np.clip(np.array(VISION[vision]) @ linear(colour), 0, 1) for colour in SCALES])
    assert len(seen) == 10
    assert (np.diff(seen) > 0).all()


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_marks_are_told_from_the_ground_in_every_vision(vision, theme):
    known, matrix = tokens(theme), np.array(VISION[vision])
    warn, ground = (float(WEIGHTS @ np.clip(matrix @ linear(known[name]), 0, 1)) for name in ("warn", "ground"))
    dark, light = sorted((warn, ground))
    assert (light + 0.05) / (dark + 0.05) >= 2.8
