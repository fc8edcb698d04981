"""Affine layers with tanh between them, for many runs at once: the arithmetic behind `Linear` and `MLP`.

The N = B T samples of a run stand in columns, below them a row of ones: [F + 1, N]. Then one matrix [F + 1, K], which
is how theta holds a layer (its weights W, and its bias as last row), does all that an affine layer does.

Two things decide how fast this is. The stack of some runs is worked through from end to end before the next, so that
what it needs stays in the processor's cache. And a product is cut into blocks of samples, small enough that the linear
algebra library (OpenBLAS) gives it to one thread: products of this size gain nothing from a second one, and wait for it
whenever another program runs.
"""

import math

import numpy as np

from pgedu.arguments import numbers

CACHE = 2**18  # numbers in one layer of one stack of runs
PRODUCT = 2**19 - 1  # multiplications in one matrix product, from which on OpenBLAS shares it out among threads

# Freed at once: glibc then keeps what later arrays free for those that follow, where it would give it back to the system
# and fetch it again, page by page, at every step; that took a fifth of the time of a PPO update.
np.empty(31 * 2**20, dtype=np.int8)

# A run that diverges may overflow: the training finds and reports it, and a warning at every step would bury the report.
# What underflows is 0 in all that is computed here, also for a student who set np.seterr(all="raise").
def quiet(function):
    """The function, without warnings: each gets an errstate of its own, for they call one another."""
    return np.errstate(over="ignore", invalid="ignore", under="ignore", divide="ignore")(function)


class Perceptron:
    """One forward pass with parameters theta [*R, D], from which `backward` comes back, as often as asked.

    Args:
        shapes: (inputs, outputs) of each layer.
        dtype: of all arithmetic; what goes in and comes out is float64.
    """

    @quiet
    def __init__(self, shapes, theta, dtype):
        self.shapes, self.runs, self.dtype = shapes, theta.shape[:-1], dtype
        flat = theta.reshape(-1, theta.shape[-1]).astype(dtype, copy=False)
        ends = np.cumsum([(inputs + 1) * outputs for inputs, outputs in shapes])
        self.matrices = [
            flat[:, end - (inputs + 1) * outputs : end].reshape(-1, inputs + 1, outputs)
            for end, (inputs, outputs) in zip(ends, shapes)
        ]
        self.size, self.ends = theta.shape[-1], ends

    @quiet
    def forward(self, observations, keep=False):
        """Outputs [..., *R, B, K] of observations [..., *R, B, F]; `keep` what `backward` needs."""
        self.batch = observations.shape[:-1]
        if len(self.batch) == len(self.runs) + 1 and not keep:
            return self._step(observations)
        self._cut()
        inputs = self._columns(observations, ones=1)
        outputs = np.empty((len(inputs), self.shapes[-1][1], self.blocks * self.length), self.dtype)
        self.activations = []
        for stack in self._stacks():
            activations = [inputs[stack]]
            for matrices in self.matrices[:-1]:
                activations.append(self._hidden(matrices[stack], activations[-1]))
            self._affine(self.matrices[-1][stack], activations[-1], outputs[stack])
            if keep:
                self.activations.append(activations)
        return self._time_first(outputs)

    def _step(self, observations):
        """One step of acting: samples so few that to stand them in columns would take longer than it saves."""
        hidden = observations.reshape(-1, *observations.shape[-2:]).astype(self.dtype, copy=False)
        for layer, matrices in enumerate(self.matrices):
            hidden = (np.tanh(hidden, out=hidden) if layer else hidden) @ matrices[:, :-1]
            hidden += matrices[:, -1:]
        return hidden.astype(float, copy=False).reshape(*self.batch, -1)

    def _cut(self):
        """The samples of a run in blocks of equal length; what does not fill the last one is padding."""
        lead = len(self.batch) - len(self.runs) - 1
        self.lead, self.episodes = self.batch[:lead], self.batch[-1]
        self.samples = self.episodes * math.prod(self.lead)
        largest = max((inputs + 1) * outputs for inputs, outputs in self.shapes)
        self.blocks = max(1, min(self.samples, -(-self.samples * largest // PRODUCT)))
        self.length = -(-self.samples // self.blocks)

    def _stacks(self):
        runs = math.prod(self.runs)
        largest = self.blocks * self.length * max(outputs for _, outputs in self.shapes)
        step = max(1, CACHE // max(largest, 1))
        return [slice(start, start + step) for start in range(0, runs, step)]

    def _hidden(self, matrices, inputs):
        hidden = np.empty((len(inputs), matrices.shape[-1] + 1, inputs.shape[-1]), self.dtype)
        hidden[:, -1] = 1
        self._affine(matrices, inputs, hidden[:, :-1])
        np.tanh(hidden[:, :-1], out=hidden[:, :-1])
        return hidden

    def _affine(self, matrices, inputs, out):
        np.matmul(matrices.swapaxes(-1, -2)[:, None], self._in_blocks(inputs), out=self._in_blocks(out))

    @quiet
    def backward(self, gradient):
        """Sum over time of (d outputs / d theta)^T gradient [T, *R, B, K]: [*R, B, D]."""
        shape = (*self.batch, self.shapes[-1][1])
        gradient = numbers("gradient", gradient, "[T, *R, B, K]", shape, finite=False)
        columns = self._columns(gradient)
        total = np.empty((len(columns), self.episodes, self.size), self.dtype)
        for stack, activations in zip(self._stacks(), self.activations):
            errors = columns[stack]
            for layer in reversed(range(len(self.shapes))):
                (inputs, outputs), end = self.shapes[layer], self.ends[layer]
                part = total[stack, :, end - (inputs + 1) * outputs : end]
                self._weights_gradient(activations[layer], errors, part.reshape(*part.shape[:2], inputs + 1, outputs))
                if layer:  # through the tanh below; the observations themselves need no gradient
                    errors = self._through(self.matrices[layer][stack, :-1], errors, activations[layer][:, :-1])
        return total.astype(float, copy=False).reshape(*self.runs, self.episodes, self.size)

    def _weights_gradient(self, inputs, errors, out):
        """Sums over the time of each episode, or, of a single episode, over the blocks that it was cut into."""
        if self.episodes == 1 and self.blocks > 1:
            inputs, errors = self._in_blocks(inputs), self._in_blocks(errors)
            np.add.reduce(inputs @ errors.swapaxes(-1, -2), axis=1, keepdims=True, out=out)
        else:
            inputs, errors = self._by_episode(inputs), self._by_episode(errors)
            np.matmul(inputs, errors.swapaxes(-1, -2), out=out)

    def _through(self, weights, errors, activations):
        below = np.empty(activations.shape, self.dtype)
        if weights.shape[-1] == 1:  # a column times a row, which NumPy's matrix product is slow at
            np.multiply(weights, errors, out=below)
        else:
            np.matmul(weights[:, None], self._in_blocks(errors), out=self._in_blocks(below))
        slope = activations * activations
        below *= np.subtract(1, slope, out=slope)
        return below

    def _columns(self, array, ones=0):
        """[..., *R, B, F] -> [R, F, samples], each run's time within its episodes; `ones` rows of 1 below."""
        features, width = array.shape[-1], self.blocks * self.length
        columns = np.empty((math.prod(self.runs), features + ones, width), self.dtype)
        columns[:, features:] = 1
        columns[:, :features, self.samples :] = 0
        self._as_batch(columns[:, :features])[...] = self._time_last(array)
        return columns

    def _as_batch(self, columns):
        """A view [*R, F, B, ...] of columns [R, F, samples]."""
        return columns[..., : self.samples].reshape(*self.runs, columns.shape[1], self.episodes, *self.lead)

    def _time_last(self, array):
        """A view [*R, F, B, ...] of array [..., *R, B, F]; by `transpose`, as `np.moveaxis` takes longer than the rest."""
        lead, episodes = len(self.lead), len(self.lead) + len(self.runs)
        return array.transpose(*range(lead, episodes), episodes + 1, episodes, *range(lead))

    def _time_first(self, columns):
        """The way back, of columns [R, F, samples]."""
        array, outputs = self._as_batch(columns).astype(float, copy=False), len(self.runs)
        return array.transpose(*range(outputs + 2, array.ndim), *range(outputs), outputs + 1, outputs)

    def _in_blocks(self, columns):
        """A view [R, blocks, F, length]."""
        return columns.reshape(*columns.shape[:2], self.blocks, self.length).swapaxes(1, 2)

    def _by_episode(self, columns):
        """A view [R, B, F, T]."""
        return columns[..., : self.samples].reshape(*columns.shape[:2], self.episodes, -1).swapaxes(1, 2)
