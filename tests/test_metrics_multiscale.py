"""MS-SSIM against torchmetrics in double precision, and on images with known answers."""

import numpy as np
import pytest
import torch
import torchmetrics.functional.image as torch_image

from bench.metrics.multiscale import WEIGHTS, multiscale_scores
from bench.metrics.pair import scales
from bench.metrics.pixel import ssim

torch.set_num_threads(1)


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def near(images, by, seed=1):
    shift = np.random.default_rng(seed).integers(-by, by + 1, images.shape)
    return np.clip(images.astype(int) + shift, 0, 255).astype(np.uint8)


def smooth(n, height, width):
    y, x = np.mgrid[0:height, 0:width]
    waves = [128 + 127 * np.sin(x / (7 + k) + k + i) * np.cos(y / (5 + 2 * k) - i) for i in range(n) for k in range(3)]
    return np.stack(waves).reshape(n, 3, height, width).transpose(0, 2, 3, 1).round().astype(np.uint8)


def torch_channel(prediction, target, count):
    """MS-SSIM of one channel from torchmetrics' own terms: contrast and structure of each scale, SSIM of the last.

    Its `multiscale_structural_similarity_index_measure` crops the border of the former and not that of the latter,
    which is averaged over reflected pixels; here the whole map of the last scale is asked for and cropped alike.
    """
    ours, true = (torch.from_numpy(image.astype(np.float64))[None, None] for image in (prediction, target))
    measure = torch_image.structural_similarity_index_measure
    value = 1.0
    for scale in range(count):
        weight = WEIGHTS[scale] / sum(WEIGHTS[:count])
        if scale < count - 1:
            _, term = measure(ours, true, data_range=255.0, return_contrast_sensitivity=True)
            ours, true = (torch.nn.functional.avg_pool2d(image, 2) for image in (ours, true))
        else:
            _, whole = measure(ours, true, data_range=255.0, return_full_image=True)
            term = whole[..., 5:-5, 5:-5].mean()
        value *= max(float(term), 0) ** weight
    return value


@pytest.mark.parametrize(("size", "count"), [((22, 40), 2), ((47, 53), 3), ((97, 131), 4), ((176, 200), 5)])
def test_agrees_with_torchmetrics(size, count):
    targets = np.concatenate([smooth(2, *size), noise((1, *size, 3))])
    predictions = np.concatenate([near(targets[:1], 40), near(targets[1:2, ::-1], 20), near(targets[2:], 90)])
    assert scales(*size) == count
    ours = multiscale_scores(predictions, targets)["ms-ssim"]
    for value, prediction, target in zip(ours, predictions, targets, strict=True):
        channels = [torch_channel(prediction[..., k], target[..., k], count) for k in range(3)]
        assert value == pytest.approx(np.mean(channels), abs=2e-5)


def test_differs_from_torchmetrics_whole_by_the_border_of_the_last_scale_alone():
    target = smooth(1, 256, 256)
    prediction = near(target, 40)
    ours = multiscale_scores(prediction, target)["ms-ssim"][0]
    first, second = (torch.from_numpy(image).permute(0, 3, 1, 2).double() for image in (prediction, target))
    measure = torch_image.multiscale_structural_similarity_index_measure
    theirs = [float(measure(first[:, k : k + 1], second[:, k : k + 1], data_range=255.0)) for k in range(3)]
    assert ours == pytest.approx(np.mean(theirs), abs=5e-3)
    assert ours != pytest.approx(np.mean(theirs), abs=1e-6)


def test_scales_follow_the_size():
    assert [scales(side, 300) for side in (11, 21, 22, 43, 44, 87, 88, 175, 176, 300)] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_too_small_has_no_value():
    image = noise((2, 21, 64, 3))
    assert np.isnan(multiscale_scores(image, image)["ms-ssim"]).all()


def test_negative_structure_counts_as_nothing():
    image = noise((1, 64, 64, 3))
    assert multiscale_scores(255 - image, image)["ms-ssim"] == 0


def test_coarse_scales_forgive_fine_noise():
    target = smooth(1, 192, 192)
    prediction = near(target, 60)
    assert multiscale_scores(prediction, target)["ms-ssim"] > ssim(prediction, target) + 0.1
