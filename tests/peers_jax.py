"""Against rejax, where 20 learners are one JAX program: `python tests/peers.py rejax`, part of `make peers`.

Same algorithm, environments, network, number of samples and epochs, both in single precision on the processor; the two
take turns. Compiling is measured apart. Only a machine that does nothing else gives figures worth quoting.
"""

import statistics
import time

import gymnasium
import numpy as np

from pgedu import MLP, Adam, LearnedValue, Policy, collect, ppo

LEARNERS, COLUMNS, STEPS, EPOCHS, TOTAL = 20, 8, 32, 20, 32_768
RATE, GAMMA, LAM, CLIP, ENTROPY, NORM = 1e-3, 0.99, 0.95, 0.2, 0.01, 0.5
GOALS = {(16,): 1.0, (64, 64): 1.2}  # hidden layers -> our time / rejax's without its compiling


def our_training(hidden, seed):
    """(seconds, mean return of the learners afterwards, in 20 episodes of each)."""
    approximators = [MLP(4, hidden, outputs, dtype=np.float32) for outputs in (2, 1)]
    policy, rng = Policy.softmax(approximators[0]), np.random.default_rng(seed)
    training = ppo(
        gymnasium.make_vec("CartPole-v1", num_envs=LEARNERS * COLUMNS), policy,
        critic=LearnedValue(approximators[1], Adam(RATE)), optimizer=Adam(RATE), rng=rng,
        runs=LEARNERS, environments=COLUMNS, steps=STEPS, epochs=EPOCHS, minibatches=1, gamma=GAMMA, lam=LAM, clip=CLIP,
        clip_values=CLIP, entropy=ENTROPY, max_gradient_norm=NORM, updates=TOTAL // (COLUMNS * STEPS),
    )  # fmt: skip
    began = time.perf_counter()
    *_, last = training
    seconds = time.perf_counter() - began
    trial = gymnasium.make_vec("CartPole-v1", num_envs=LEARNERS * 20)
    return seconds, collect(trial, policy, last.theta, rng=rng).rewards.sum(axis=0).mean()


class Rejax:
    """Their program, compiled once."""

    def __init__(self, hidden):
        import jax
        from rejax import PPO

        jax.config.update("jax_platforms", "cpu")
        self.jax = jax
        algorithm = PPO.create(
            env="CartPole-v1", agent_kwargs={"hidden_layer_sizes": hidden, "activation": "tanh"}, num_envs=COLUMNS,
            num_steps=STEPS, num_epochs=EPOCHS, num_minibatches=1, learning_rate=RATE, gamma=GAMMA, gae_lambda=LAM,
            clip_eps=CLIP, ent_coef=ENTROPY, max_grad_norm=NORM, total_timesteps=TOTAL, eval_freq=TOTAL,
            skip_initial_evaluation=True,
        )  # fmt: skip
        self.evaluate = jax.jit(jax.vmap(algorithm.eval_callback, in_axes=(None, 0, 0)))
        training = algorithm.replace(eval_callback=lambda algorithm, state, rng: ())
        began = time.perf_counter()
        self.program = jax.jit(jax.vmap(training.train)).lower(self.keys(0)).compile()
        self.compiling = time.perf_counter() - began
        self.algorithm = algorithm

    def keys(self, seed):
        return self.jax.random.split(self.jax.random.PRNGKey(seed), LEARNERS)

    def training(self, seed):
        began = time.perf_counter()
        state, _ = self.jax.block_until_ready(self.program(self.keys(seed)))
        seconds = time.perf_counter() - began
        _, returns = self.evaluate(self.algorithm, state, self.keys(seed + 1))
        return seconds, float(returns.mean())


def compare(repeat=3):
    """Print the times of both for each size of network, in turn; the ratios are those of neighbours in time."""
    print(f"\nPPO on CartPole-v1, {LEARNERS} learners of {TOTAL:,} steps, {COLUMNS} x {STEPS} in {EPOCHS} epochs of one minibatch")
    for hidden, goal in GOALS.items():
        try:
            theirs = Rejax(hidden)
        except ImportError as missing:
            print(f"  rejax is not there ({missing.name}): nothing to compare with")
            return
        pairs = [(our_training(hidden, seed), theirs.training(seed)) for seed in range(repeat)]
        (a, our_return), (b, their_return) = np.median(pairs, axis=0)
        without = statistics.median(ours[0] / other[0] for ours, other in pairs)
        including = statistics.median(ours[0] / (other[0] + theirs.compiling) for ours, other in pairs)
        print(f"  hidden {hidden}: pgedu {a:.1f} s, rejax {b:.1f} s + {theirs.compiling:.1f} s of compiling")
        print(f"     ratio {without:.2f} without compiling (goal: {goal} or less), {including:.2f} with it (goal: below 1)")
        print(f"     mean return at the end: pgedu {our_return:.0f}, rejax {their_return:.0f}", flush=True)


if __name__ == "__main__":
    compare()
