"""`camizan2023-resnet34-gan`: the ablation of `camizan2023-resnet34` without its first stage of L1 alone.

    gray -- ResNet-34 U-Net --> ab        100 L1 and the PatchGAN's verdict from the first step on

Source: E. Camizan, S. Garcia, V. Espinoza, "Diving into Depth: Image Colorization in Cartoon and Live Action Frames".

The paper names a GAN with L1 and says nothing of training the generator alone first; that stage of
`camizan2023-resnet34` is a fill. Here is the other reading: the same networks, colour space, losses and optimizers, and
the GAN stage alone over as many images, its rates falling to 0 over the last quarter as they do there: the two differ
in what the first three quarters learn by. The step that is kept is chosen in the last stage, so here among all steps,
there among those of the last quarter: where they fall behind earlier ones, that favours this model. Weights of
ResNet-34 are taken just as there.
"""

from dataclasses import replace

from baselines import camizan2023_resnet34 as pretrained
from bench.types import Recipe

TITLE = "ResNet-34 U-Net, GAN from the first step (ablation of Camizan et al. 2023)"
SOURCE = pretrained.SOURCE
TRACKS = pretrained.TRACKS
WEIGHTS = pretrained.WEIGHTS

RECIPE = Recipe(
    batch_size=pretrained.RECIPE.batch_size,
    paper_images=pretrained.RECIPE.paper_images,
    stages=(replace(pretrained.RECIPE.stages[-1], share=1.0, decay_from=0.75),),
)

build = pretrained.build
