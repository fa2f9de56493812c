"""What an adversarial fit costs over a loop by hand; part of ``python -m benchmarks.engine``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from sklearn_timegen import GAN, R3GAN, WGANGP
from sklearn_timegen.nn.dense import DenseBody, DenseDecoder
from sklearn_timegen.nn.discriminator import Discriminator

__all__ = ["GAMES", "game_loop"]

# Each with each of its losses at every step; without latents, which a loop would not learn.
COMMON: dict[str, Any] = {
    "encoder_steps": 1,
    "rules": None,
    "random_state": 0,
    "device": "cpu",
}
GAMES: dict[str, GAN] = {
    "R3GAN": R3GAN(**COMMON, penalty_interval=1),
    "WGANGP": WGANGP(**COMMON),
}


def relativistic(judge: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The discriminator's loss of R3GAN."""
    real, fake = real.detach().requires_grad_(), fake.detach().requires_grad_()
    of_real, of_fake = judge(real), judge(fake)
    slopes = [
        torch.autograd.grad(values.sum(), series, create_graph=True)[0]
        for values, series in ((of_real, real), (of_fake, fake))
    ]
    penalty = sum(0.5 * slope.flatten(1).square().sum(1).mean() for slope in slopes)
    return softplus(of_fake - of_real).mean() + penalty


def wasserstein(judge: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The critic's loss of WGAN-GP."""
    e = torch.rand(len(real), 1, 1)
    between = (e * real + (1 - e) * fake.detach()).requires_grad_()
    (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    penalty = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    return judge(fake.detach()).mean() - judge(real).mean() + 10 * penalty


def game_loop(name: str, x: Tensor, batch_size: int, n_epochs: int) -> Callable[[], None]:
    """A loop as one would write it, over the networks of a setting, with an average of weights."""
    gan = GAMES[name]
    n_timesteps, n_channels = x.shape[1:]
    widths = gan.hidden_dims
    stream = torch.Generator().manual_seed(0)

    def run() -> None:
        generator = DenseDecoder(n_timesteps, n_channels, gan.latent_dim, widths)
        judge = Discriminator(DenseBody, n_timesteps, n_channels, widths, bias=False)
        average = torch.optim.swa_utils.AveragedModel(
            generator, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(gan.ema_decay)
        )
        betas = (gan.betas[0], gan.betas[1])
        of_generator = torch.optim.Adam(generator.parameters(), lr=gan.lr, betas=betas)
        of_judge = torch.optim.Adam(judge.parameters(), lr=gan.lr, betas=betas)
        judge_loss = relativistic if name == "R3GAN" else wasserstein
        step = 0
        for _ in range(n_epochs):
            shuffled = x[torch.randperm(len(x), generator=stream)]
            for real in shuffled.split(batch_size):
                step += 1
                with torch.no_grad():
                    fake = generator(torch.randn(len(real), gan.latent_dim))
                of_judge.zero_grad()
                judge_loss(judge, real, fake).backward()
                of_judge.step()
                if step % gan.n_critic:
                    continue
                of_generator.zero_grad()
                values = judge(generator(torch.randn(len(real), gan.latent_dim)))
                if name == "R3GAN":
                    with torch.no_grad():
                        of_real = judge(real)
                    softplus(of_real - values).mean().backward()
                else:
                    (-values.mean()).backward()
                of_generator.step()
                average.update_parameters(generator)

    return run
