"""The conditional adversarial objective with L1 (Isola et al. 2017, eq. 1-4), shared by every GAN here.

    generator      lambda * mean |fake - y|  -  log D(x, fake)
    discriminator  weight * (-log D(x, y)  -  log(1 - D(x, fake)))

D answers in logits, so log D is never taken of a rounded 0. Every term is computed in float32, whatever precision the
networks ran in.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from baselines._colorizer import Judge


def adversarial(logits: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy of logits against all real or all fake; mean over images and patches, a scalar."""
    logits = logits.float()
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, float(real)))


def l1(fake: Tensor, y: Tensor) -> Tensor:
    """Mean absolute difference over everything, a scalar."""
    return F.l1_loss(fake.float(), y.float())


def generator_terms(x: Tensor, y: Tensor, fake: Tensor, judge: Judge | None, l1_weight: float) -> dict[str, Tensor]:
    """The non-saturating generator objective; the discriminator sees the condition beside the colour. L1 alone where no
    judge plays.
    """
    terms = {"l1": l1_weight * l1(fake, y)}
    return terms if judge is None else terms | {"gan": adversarial(judge(torch.cat([x, fake], dim=1)), real=True)}


def discriminator_terms(x: Tensor, y: Tensor, fake: Tensor, judge: Judge, weight: float) -> dict[str, Tensor]:
    """The discriminator's two halves.

    Real and fake are judged in two calls, not one joined batch: batch normalization must not mix their statistics.
    """
    return {
        "real": weight * adversarial(judge(torch.cat([x, y], dim=1)), real=True),
        "fake": weight * adversarial(judge(torch.cat([x, fake], dim=1)), real=False),
    }
