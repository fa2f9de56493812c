"""TimeVAE's published experiments, repeated: ``python -m benchmarks.timevae_paper``.

Sets: *sine* is the paper's generator with a seed of its own, *stockv* the windows that the authors
published (left out without ``SKLEARN_TIMEGEN_DATA``). At p% of the data a random p% of a set's
series are kept, generators are fitted to them and draw as many.

Scores. DS is TimeGAN's discriminative score (GRU, five judges, split at random): *right* counts
as real what a judge gives a probability above 1/2, *published* what it gives a logit above 1/2
(a probability above 0.622), as TimeVAE's code did; both are read off the same judges. Boosting is
the strong judge. *Same* judges against the p% that the generator was fitted to, which is how the
paper is read here; *held-out* against as many other real series of the set, or, of sine at more
than half of the data, new ones. The other windows of stockv share timesteps with those fitted to,
and at 100% none are left. PS is TimeGAN's predictive score on all series of the p%, *constant* the
error of the best constant; on sine, whose channels are independent, there is nothing else to
learn, and the published 0.213 is that constant. The rows *real* are the measured floors: held-out
series in place of synthetic ones, and for PS the p% itself (the paper's "Original").

Claims. Errors of next-step predictions on series that no generator saw, of a predictor trained on
the p% itself (*original*), on 10,000 series drawn by a generator that was fitted to it
(*generated*), and on its reconstructions of the p%. On sine and noisy sine the test series are
2,000 new ones, on stockv a fifth of the time in eight blocks, and the p% are taken from the
windows that share no timestep with them. The last channel is predicted: by the GRU of PS (of sine
from its own past only, as the other channels say nothing), and by ridge regression and boosting
from the last 8 values of all channels. *Noisy sine* adds normal noise of 0.3 times the signal's
standard deviation to the series to learn from and to predict from; ridge and boosting are held
against the next value without noise, the GRU against the noisy one. Its arm *clean* is trained on
the series without noise. Sine itself has none: its next value is a linear function of the two
before it, and nothing can be gained. Repeats: five networks, and five bootstrap draws of the
series to train on, the same for arms of one size. Samples of the same generators are also judged
against all test series, as many of them, so that judges are equally strong at every p%.

Networks train for their default number of epochs, but about 25,000 steps at most, RCGAN and
C-RNN-GAN for 1,000 steps, which are dear. T-Forcing and P-Forcing are teacher and professor
forcing. 2 and 5% are
meant to have three subsets and training seeds, the others one; *seeds* says how many are done.
Claims are looked at for 2, 20 and 100%.
"""
