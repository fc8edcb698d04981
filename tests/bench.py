"""How fast it is: `make bench`. Every ratio comes from one run on one machine; absolute times depend on the machine.

The targets are those that the project has set itself. Nothing here fails: it prints.
"""

import statistics
import subprocess
import sys
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import nbformat  # noqa: E402
from lab import ROOT, browser_page, cell, find_chromium, jupyter_lab, open_notebook, run_all  # noqa: E402

from pgedu import (  # noqa: E402
    MLP, SGD, Adam, Gain, Gaussian, Language, LearnedValue, Linear, LinearQuadratic, PendulumVectorEnv, Policy, Rollout,
    Stream, Table, best_of_n, campaign, collect, direct_method, direct_preference, discounted_returns, doubly_robust,
    enumerate_rollouts, episode_gradients, exact_return, gae, group_advantage, kl_divergence, leave_one_out, log_softmax, none,
    normal_interval, per_decision_importance, ppo, prefer, reinforce, reward_to_go, rollout_from_table, short_corridor, tilt,
    total_return, trajectory_importance, weighted_importance, weighted_per_decision,
)  # fmt: skip
from pgedu.lessons.checks import check_baseline, check_estimator, check_gae, check_returns  # noqa: E402
from pgedu.lessons.museum import EXHIBITS, exact_cost  # noqa: E402
from pgedu.lessons.pendulum_live import pendulum_ppo  # noqa: E402
from pgedu.lessons.three_worlds import PLACES, five_methods  # noqa: E402

CORRIDOR, SOFTMAX = short_corridor(), Policy.softmax(Table(1, 2))


def timed(function, repeat=3):
    """Median seconds of some runs, after one that does not count."""
    function()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def report(what, figure, target=""):
    print(f"{what:74} {figure:>24}   {target}", flush=True)


def figure_13_2():
    """Sutton & Barto's figure 13.2: without and with baseline, side by side on the run axis of one training.

    The step size with baseline is half the book's 2^-9, with which about one run in a hundred is lost on the edge:
    its episodes never end, and would be all that is measured here.
    """
    first = np.tile([0.0, np.log(0.05 / 0.95)], (200, 1))
    rates = np.repeat([2.0**-13, 2.0**-10], 100)  # without and with the baseline
    learned = LearnedValue(Table(1, 1), SGD(np.repeat([0.0, 0.9], 100)))  # a baseline that never learns stays 0
    training = reinforce(CORRIDOR, SOFTMAX, optimizer=SGD(rates), rng=np.random.default_rng(0), runs=200,
                         baseline=learned, updates=1000, theta=first, max_steps=1000)  # fmt: skip
    *_, last = training
    return exact_return(CORRIDOR, SOFTMAX, last.theta).reshape(2, 100).mean(axis=1)


def bench_corridor():
    seconds = timed(figure_13_2, repeat=1)
    without, with_baseline = figure_13_2()
    report("corridor, 100 runs of 1,000 episodes, without and with baseline", f"{seconds:.2f} s", "target: about 2 s")
    report("   exact return at the end, without and with", f"{without:.1f} and {with_baseline:.1f}")


def bench_steps():
    """Acting, sampling and gradient against the steps of the same environments alone."""
    for name, policy, runs, episodes in (("pgedu/ShortCorridor-v0", SOFTMAX, 100, 10),
                                         ("CartPole-v1", Policy.softmax(Linear(4, 2)), 20, 8)):  # fmt: skip
        env = gymnasium.make_vec(name, num_envs=runs * episodes)
        theta = policy.init(np.random.default_rng(0), runs)

        def learn():
            rollout = collect(env, policy, theta, episodes=episodes, rng=np.random.default_rng(0))
            episode_gradients(policy, theta, rollout, reward_to_go(rollout))
            return rollout

        rollout = learn()
        actions = rollout.actions.reshape(len(rollout.actions), -1)

        def alone():
            env.reset(seed=0)
            for row in actions:
                env.step(row)

        pairs = [(timed(learn, 1), timed(alone, 1)) for _ in range(9)]
        ratio = statistics.median(a / b for a, b in pairs)
        report(f"{name}, {runs * episodes} wide: steps, sampling and gradient / steps alone", f"{ratio:.2f}", "target: 4 or less")


def last_episodes(rewards, ended, count=20):
    """Mean return of the last `count` episodes after each step, for each run, from rewards and ends [T, R, B]: [T, R]."""
    totals = rewards.cumsum(axis=0)
    means = np.full(rewards.shape[:2], -np.inf)
    for run in range(rewards.shape[1]):
        t, column = np.nonzero(ended[:, run])  # in the order in which they ended
        before = {}
        returns = []
        for when, which in zip(t, column):
            returns.append(totals[when, run, which] - before.get(which, 0.0))
            before[which] = totals[when, run, which]
        recent = np.convolve(returns, np.ones(count) / count, "valid")
        known = np.searchsorted(t, np.arange(len(rewards)), side="right")  # episodes that have ended by then
        means[known >= count, run] = recent[known[known >= count] - count]
    return means


def solve_cartpole(seed, learners=20, episodes=8, updates=110):
    """PPO until the mean of the last 20 episodes of each learner is 475: (seconds, steps of each, at the same time).

    The first two are those by which every learner had reached it; the third says whether there also came a moment at
    which all of them stood above it. The clock stops for the training alone: episodes are counted afterwards.
    """
    env = gymnasium.make_vec("CartPole-v1", num_envs=learners * episodes)
    critic = LearnedValue(MLP(4, (16,), 1), Adam(0.02))
    training = ppo(env, Policy.softmax(Linear(4, 2)), critic=critic, optimizer=Adam(0.05), steps=64, gamma=0.99,
                   rng=np.random.default_rng(seed), runs=learners, environments=episodes, updates=updates)  # fmt: skip
    began, clock, records = time.perf_counter(), [], []
    for progress in training:
        clock.append(time.perf_counter() - began)
        records.append(progress.rollout)
    rewards, discounts, mask = (np.concatenate([getattr(r, name) for r in records]) for name in ("rewards", "discounts", "mask"))
    following = np.concatenate([mask[1:], np.ones_like(mask[:1])])
    above = last_episodes(rewards, (mask == 1) & ((discounts == 0) | (following == 0))) >= 475
    if not above.any(axis=0).all():
        return np.nan, np.nan, 0.0
    first = above.argmax(axis=0).max() // 64
    return clock[first], (first + 1) * 64 * episodes, float(above.all(axis=1).any())


def bench_cartpole():
    seconds, steps, together = np.median([solve_cartpole(seed) for seed in range(5)], axis=0)
    report("CartPole-v1, PPO, 20 learners, until the last 20 episodes of each average 475", f"{seconds:.2f} s", "target: 2 s")
    report("   steps of each learner; did all stand above it at the same time", f"{steps:,.0f}; {'yes' if together else 'no'}")


def bench_pendulum(learners=20):
    """PPO on Pendulum with the settings of notebook 08: 200,000 steps of each learner, then 50 episodes of each."""
    began = time.perf_counter()
    training = pendulum_ppo(np.random.default_rng(0), runs=learners)
    *_, last = training
    seconds = time.perf_counter() - began
    trial = PendulumVectorEnv(learners * 50)
    rollout = collect(trial, training.policy, last.theta, rng=np.random.default_rng(1), episodes=50)
    returns = rollout.rewards.sum(axis=0).mean(axis=-1)
    what = f"Pendulum, PPO, {learners} learners, {last.environment_steps:,.0f} steps each: seconds of a learner"
    report(what, f"{seconds / learners:.1f} s")
    report("   median of their mean returns, as they act", f"{np.median(returns):.0f}", "target: -200 or better")


def bench_gains():
    """REINFORCE on a linear-quadratic world, 1,000 runs at once: how near to the optimum of Riccati's equation, and when."""
    world, policy = LinearQuadratic(1.0, 1.0, 1.0, 1.0, gamma=0.9), Policy(Gain(1, 1, std=0.3), Gaussian(1))

    def learn():
        theta = np.full((1000, 1), 0.2)
        *_, last = reinforce(world, policy, optimizer=SGD(0.01), rng=np.random.default_rng(0), runs=1000, episodes=10,
                             max_steps=30, theta=theta, baseline=leave_one_out, updates=100)  # fmt: skip
        best, start, J = (exact_return(world, policy, each) for each in (world.optimal_gain(), theta[0], last.theta))
        learn.gained = np.median((J - start) / (best - start))

    report("linear-quadratic, REINFORCE, 1,000 runs of 100 updates, 300 steps each", f"{timed(learn, repeat=1):.1f} s", "target: seconds")
    report("   share of what there was to gain, median", f"{learn.gained:.3f}")


def bench_cliff():
    """The five methods of notebook 09, 20 learners each, through 20,000 steps of the cliff: learning alone."""

    def learn(name):
        running = five_methods(PLACES["cliff"], np.random.default_rng(0), steps=20_000)
        running.trainings = {name: running.trainings[name]}
        next(iter(running))

    names = {"values": "Q-learning, SARSA, expected SARSA", "REINFORCE": "REINFORCE", "actor-critic": "actor-critic"}
    each = {name: timed(partial(learn, name), repeat=1) for name in names}
    report("cliff, 20,000 steps of 20 learners of each of five methods", f"{sum(each.values()):.2f} s", "target: about 2 s")
    report(f"   {'; '.join(names.values())}", "; ".join(f"{seconds:.2f}" for seconds in each.values()))


LANGUAGE = Language(("good", "fine", "bad"), 4)
LOG_WORDS = np.broadcast_to(np.log([0.7, 0.1, 0.2]), (LANGUAGE.n_states, 3))  # of the reference, whatever came before
LOG_REFERENCE = LANGUAGE.log_probs(LOG_WORDS)
FINE = LANGUAGE.counts[:, 1]
LIKED = FINE - 0.35 * FINE**2 + 0.3 * (LANGUAGE.sentences[:, -1] == 2)


def judged_pairs(rng, count=50_000):
    """(preferred, rejected): rollouts [T, count] of sentences of the reference."""
    first, second = rng.choice(len(LIKED), size=(2, count), p=np.exp(LOG_REFERENCE))
    wins = prefer(LIKED, first, second, rng)
    world, end = LANGUAGE.world(LIKED), np.full((1, count), LANGUAGE.n_states - 1)

    def told(numbers):
        states = np.concatenate([LANGUAGE.states[numbers].T, end])
        return Rollout(*world.record(LOG_WORDS, states, LANGUAGE.sentences[numbers].T))

    return told(np.where(wins, first, second)), told(np.where(wins, second, first))


def aligning(beta, learners=20, group=16):
    """{method: (training, updates)}, from the reference on; RLOO and PPO are paid less beta times each word's log ratio."""
    policy = Policy.softmax(Table(LANGUAGE.n_states, 3))
    paid = LANGUAGE.world(LIKED, policy_rewards=lambda log_pi: -beta * (log_pi - LOG_WORDS))
    good, bad = judged_pairs(np.random.default_rng(1))
    theta = np.tile(LOG_WORDS.ravel(), (learners, 1))
    common = {"policy": policy, "runs": learners, "theta": theta, "rng": np.random.default_rng(0)}
    critic = LearnedValue(Table(LANGUAGE.n_states, 1), Adam(0.1))
    return {
        "RLOO": (reinforce(paid, optimizer=Adam(0.05), episodes=group, estimator=total_return, baseline=leave_one_out,
                           **common), 300),
        "GRPO": (reinforce(paid, optimizer=Adam(0.05), episodes=group, estimator=group_advantage, **common), 300),
        "PPO": (ppo(paid, optimizer=Adam(0.02), critic=critic, environments=group, steps=None, lam=1.0, minibatches=1,
                    normalize=False, **common), 300),
        "DPO": (direct_preference(optimizer=Adam(0.03), preferred=good, rejected=bad, beta=beta, pairs=64, **common), 600),
    }  # fmt: skip


def bench_alignment(beta=0.3):
    """Four methods of RLHF in the language of 81 sentences, to their plateau: the last quarter gains less than a hundredth."""
    best, start = tilt(LOG_REFERENCE, LIKED, beta)[1], np.exp(LOG_REFERENCE) @ LIKED
    for name, (training, updates) in aligning(beta).items():
        thetas, began = [], time.perf_counter()
        for _ in range(updates):
            thetas.append(next(training).theta)
        seconds = time.perf_counter() - began
        late_and_last = np.array(thetas)[[3 * updates // 4, -1]].reshape(2, -1, LANGUAGE.n_states, 3)
        log_probs = LANGUAGE.log_probs(log_softmax(late_and_last))
        kl = kl_divergence(log_probs, LOG_REFERENCE)
        late, last = np.median((np.exp(log_probs) @ LIKED - beta * kl - start) / (best - start), axis=-1)
        report(f"81 sentences, {name}, 20 learners, {updates} updates", f"{seconds:.2f} s", "target: about 2 s")
        report("   share of what there was to gain, median, after three quarters and all", f"{late:.3f} and {last:.3f}")


def bench_tables():
    """The exact tables behind a slider of notebook 12: all tilts and all best-of-n of its picture."""

    def tilts():
        return [kl_divergence(tilt(LOG_REFERENCE, LIKED, beta)[0], LOG_REFERENCE) for beta in np.geomspace(0.02, 50, 100)]

    def bests():
        return [kl_divergence(best_of_n(LOG_REFERENCE, LIKED, n), LOG_REFERENCE) for n in range(1, 101)]

    for name, table in (("tilts", tilts), ("best-of-n", bests)):
        report(f"81 sentences: 100 exact {name} with their KL", f"{1000 * timed(table):.1f} ms", "target: 50 ms or less")


def bench_collecting():
    """Acting and recording against the steps of the same environments alone, segments of PPO's usual size."""
    for name, approximator in (("Linear", Linear(4, 2)), ("MLP(32)", MLP(4, (32,), 2)), ("MLP(64, 64)", MLP(4, (64, 64), 2)),
                               ("MLP(64, 64), float32", MLP(4, (64, 64), 2, dtype=np.float32))):  # fmt: skip
        policy, rng = Policy.softmax(approximator), np.random.default_rng(0)
        theta = policy.init(rng, 20)
        stream, alone = (gymnasium.make_vec("CartPole-v1", num_envs=160) for _ in range(2))
        stream = Stream(stream, rng)
        alone.reset(seed=0)

        def stepping(actions=rng.integers(2, size=(128, 160)), alone=alone):
            for row in actions:
                alone.step(row)

        collecting = partial(collect, stream, policy, theta, steps=128, rng=rng)
        ratio = statistics.median(timed(collecting, 1) / timed(stepping, 1) for _ in range(15))
        report(f"CartPole-v1, 160 wide, collecting / steps alone: {name}", f"{ratio:.2f}", "target: 3 or less")


def bench_growth():
    """Seconds for ten updates, at 10, 100 and 1,000 runs, and likewise episodes: no worse than linear."""
    for axis in ("runs", "episodes"):
        times = []
        for size in (1, 10, 100, 1000):
            sizes = {"runs": 2, "episodes": 2} | {axis: size}
            baseline = none

            def train():
                list(reinforce(CORRIDOR, SOFTMAX, optimizer=SGD(1e-4), rng=np.random.default_rng(0), updates=10,
                               baseline=baseline, **sizes))  # fmt: skip

            times.append(timed(train))
        growth = max(later / earlier / 10 for earlier, later in zip(times, times[1:]))
        report(f"ten times the {axis} cost (worst of 1 to 1,000)", f"{10 * growth:.1f} times", "target: 10 or less")


def bench_import():
    """Import pgedu against the import of what it depends on, in fresh processes, in turn."""
    def seconds(code):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - began

    theirs = "import numpy, gymnasium, matplotlib.figure, matplotlib.backends.backend_agg, ipywidgets"
    ours = theirs + ", pgedu, pgedu.panels.live, pgedu.panels.views"
    seconds(ours)
    ratio = statistics.median(seconds(ours) / seconds(theirs) for _ in range(7))
    report("import pgedu with what it depends on / what it depends on alone", f"{ratio:.2f}", "target: 1.20 or less")


def bench_exact():
    """What a reader waits for in a cell or at a slider: checks of exercises, the museum, the refusal of an enumeration."""
    answers = {check_estimator: reward_to_go, check_baseline: leave_one_out, check_gae: gae, check_returns: discounted_returns}
    seconds = max(timed(partial(check, answer)) for check, answer in answers.items())
    report(f"the slowest of {len(answers)} checks of an exercise", f"{seconds:.3f} s", "target: 0.3 s or less")
    world, policy = campaign(horizon=4), Policy.softmax(Table(3, 2))
    seconds = max(timed(partial(exact_cost, exhibit, world, policy, np.zeros(6))) for exhibit in EXHIBITS)
    report("the slowest exhibit of the museum: its exact cost", f"{1000 * seconds:.0f} ms", "target: 50 ms or less")

    def refused():
        try:
            enumerate_rollouts(CORRIDOR, SOFTMAX, np.zeros(2), horizon=100_000)
        except ValueError:
            return
        raise AssertionError("100,000 steps were enumerated")

    report("refusal to enumerate 100,000 steps", f"{timed(refused):.3f} s", "target: 2 s or less")


def judged(actions, rewards, propensities, steps=1, choices=10):
    """Intervals of all six estimators, from the columns of a table; its rows as episodes of so many steps."""
    log = rollout_from_table(actions, rewards, propensities)
    log = log._replace(**{name: getattr(log, name).reshape(steps, -1) for name in ("actions", "rewards", "mask", "log_probs")})
    log = log._replace(observations=np.zeros((steps + 1, log.mask.shape[1]), int), discounts=log.mask * (np.arange(steps) < steps - 1)[:, None])
    pi = (1 + np.arange(choices)) / (choices * (choices + 1) / 2)
    target, q = np.log(pi)[log.actions], pi / 2
    found = [each(log, target) for each in (trajectory_importance, weighted_importance, per_decision_importance, weighted_per_decision)]
    found += [direct_method(log, q, pi), doubly_robust(log, target, q, pi)]
    return [normal_interval(each) for each in found]


def bench_off_policy():
    """A million logged rows, each an episode and in episodes of ten; what it takes for a quarter of them, too."""
    rng = np.random.default_rng(0)
    table = rng.integers(10, size=1_000_000), rng.integers(2, size=1_000_000), np.full(1_000_000, 0.1)
    for steps in (1, 10):
        seconds = timed(partial(judged, *table, steps=steps))
        report(f"six estimates with intervals from 1,000,000 rows, episodes of {steps}", f"{seconds:.2f} s", "target: about 1 s")
    peaks = []
    for rows in (250_000, 1_000_000):
        tracemalloc.start()
        judged(*(column[:rows] for column in table))
        peaks.append(tracemalloc.get_traced_memory()[1] / rows)
        tracemalloc.stop()
    report("   bytes a row at most, of 250,000 rows and of 1,000,000", f"{peaks[0]:.0f} and {peaks[1]:.0f}", "target: the same")


LABEL_CELL = """
import ipywidgets
bare, label = ipywidgets.IntSlider(5, 0, 100), ipywidgets.Label("")
label.add_class("bare-label")
bare.observe(lambda change: setattr(label, "value", str(change.new)), "value")
ipywidgets.VBox([bare, label])
"""
# Milliseconds from a key on a slider, or from the pointer's move, to the painted picture (or to the label's new text).
SLIDER = """async ([slider, target, count]) => {
    const handle = slider.querySelector('.noUi-handle'), times = [];
    for (let i = 0; i < count; i++) {
        handle.focus();
        const shown = new Promise(resolve => {
            const watcher = new MutationObserver(() => { watcher.disconnect(); resolve(performance.now()); });
            watcher.observe(target, {childList: true, characterData: true, subtree: true, attributeFilter: ['data-number']});
        });
        const began = performance.now();
        handle.dispatchEvent(new KeyboardEvent('keydown', {key: i % 2 ? 'ArrowLeft' : 'ArrowRight', bubbles: true}));
        times.push(await shown - began);
        await new Promise(resolve => setTimeout(resolve, 50));
    }
    return times;
}"""
PROBE = """canvas => {
    const probe = window.probe = {times: [], since: null};
    addEventListener('pointermove', () => probe.since ??= performance.now(), true);
    new MutationObserver(() => {
        if (probe.since !== null) probe.times.push(performance.now() - probe.since);
        probe.since = null;
    }).observe(canvas, {attributeFilter: ['data-number']});
}"""
FRAMES = """async ([canvas, seconds]) => {
    let frames = 0;
    const watcher = new MutationObserver(() => frames++);
    watcher.observe(canvas, {attributeFilter: ['data-number']});
    await new Promise(resolve => setTimeout(resolve, 1000 * seconds));
    watcher.disconnect();
    return frames / seconds;
}"""
FRAME = 1000 / 60  # milliseconds


def with_label(name):
    """A notebook with a bare slider and label in front."""
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    notebook.cells = [nbformat.v4.new_code_cell(LABEL_CELL), *(c for c in notebook.cells if c.cell_type == "code")]
    return notebook


def drag_times(page, panel, count=20):
    """Milliseconds from pointer to painted picture: the first handle of a panel, to and fro."""
    page.evaluate(PROBE, panel.locator("canvas").element_handle())
    panel.locator(".pgedu-words").scroll_into_view_if_needed()  # the whole picture is in the window
    box = handle_in_sight(panel).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(count):
        page.mouse.move(x + (30 if i % 2 else -30), y + (30 if i % 2 else -30))  # a step of a coarse slider, too
        page.wait_for_timeout(60)
    page.mouse.up()
    return page.evaluate("probe.times")


def handle_in_sight(panel):
    """The first handle of a panel, in the middle of the window: a tall picture may reach beyond it."""
    handle = panel.locator(".pgedu-knob:visible").first
    handle.evaluate("element => element.scrollIntoView({block: 'center'})")
    return handle


def queue_after_a_drag(page, panel, moves=200, seconds=2.0):
    """Milliseconds from the last of many moves until the last picture, and whether it shows where the pointer let go."""
    box, zone = handle_in_sight(panel).bounding_box(), panel.locator(".pgedu-zone").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for i in range(moves):
        page.mouse.move(zone["x"] + zone["width"] * (i % 50 + 1) / 52, zone["y"] + zone["height"] * (i % 50 + 1) / 52)
        page.wait_for_timeout(1000 * seconds / moves)
    page.evaluate(PROBE, panel.locator("canvas").element_handle())
    page.evaluate("probe.since = performance.now(); probe.last = []")
    page.evaluate("""canvas => new MutationObserver(() => probe.last.push(performance.now() - probe.began))
                     .observe(canvas, {attributeFilter: ['data-number']}), probe.began = performance.now()""",
                  panel.locator("canvas").element_handle())  # fmt: skip
    page.mouse.up()
    page.wait_for_timeout(1000)
    return max(page.evaluate("probe.last"), default=0.0)


def bench_panels(name, ratio):
    """Slider and drag to painted picture beside slider to label, in turn; and pictures a second of playing panels."""
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(with_label(name), Path(folder) / name)
        with jupyter_lab(folder) as address, browser_page(1300, 900, ratio) as page:
            open_notebook(page, address, name)
            run_all(page)
            page.wait_for_timeout(3000)
            for i, place in enumerate(panels_of(page)):
                what = f"{name[:2]}, panel {i + 1}, pixel ratio {ratio}"
                panel = cell(page, place).locator(".pgedu-live:has(.pgedu-picture)").first
                panel.locator("canvas[data-number]").wait_for()
                page.wait_for_timeout(500)
                if panel.locator('button:has-text("play")').count():
                    bench_playing(page, panel, what)
                else:
                    bench_moving(page, panel, what, ratio, partial(to_label, page), partial(cell, page, place))


def panels_of(page):
    """Numbers of the cells with a panel."""
    cells = page.evaluate("window.jupyterapp.shell.currentWidget.content.widgets.length")
    return [i for i in range(1, cells) if cell(page, i).locator(".pgedu-picture").count()]


def to_label(page):
    """Milliseconds from a key on a bare slider to a label's new text."""
    label = cell(page, 0).locator(".jp-OutputArea")
    return quick(page.evaluate(SLIDER, [label.element_handle(), page.locator(".bare-label").element_handle(), 20]))


def quick(times):
    """Lower quartile: small messages may be held back until the last one was acknowledged, which adds 40 ms to some."""
    return statistics.quantiles(times, n=4)[0]


def bench_playing(page, panel, what):
    panel.locator('button:has-text("play")').click()
    page.wait_for_timeout(500)
    frames = page.evaluate(FRAMES, [panel.locator("canvas").element_handle(), 4])
    report(f"{what}: pictures a second while it learns", f"{frames:.0f}", "target: 20 or more")
    panel.locator('button:has-text("pause")').click()


def bench_moving(page, panel, what, ratio, to_label, back):
    target = f"target: {FRAME * ratio:.0f} ms or less"

    def more(measure):
        """How much longer than to the label, and how long that is: medians of three turns."""
        pairs = []
        for _ in range(3):
            bare = to_label()
            back()
            pairs.append((quick(measure()) - bare, bare))
        return [statistics.median(column) for column in zip(*pairs)]

    if panel.locator(".noUi-handle").count():
        slid = lambda: page.evaluate(SLIDER, [panel.element_handle(), panel.locator("canvas").element_handle(), 20])  # noqa: E731
        longer, bare = more(slid)
        report(f"{what}: slider to picture, more than slider to label ({bare:.0f} ms)", f"{longer:.0f} ms", target)
    if panel.locator(".pgedu-knob:visible").count():
        longer, bare = more(lambda: drag_times(page, panel))
        report(f"{what}: drag to picture, more than slider to label ({bare:.0f} ms)", f"{longer:.0f} ms", target)
        report(f"{what}: 200 moves in 2 s, the last picture after the last", f"{queue_after_a_drag(page, panel):.0f} ms")


def main():
    print(f"Python {sys.version.split()[0]}, NumPy {np.__version__}\n")
    for bench in (bench_corridor, bench_steps, bench_collecting, bench_cartpole, bench_pendulum, bench_gains, bench_cliff,
                  bench_alignment, bench_tables, bench_growth, bench_exact, bench_off_policy, bench_import):  # fmt: skip
        bench()
    if find_chromium() is None:
        print("No Chromium on this machine: the panels were not measured.")
        return
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for ratio in (1, 2):
            bench_panels(path.name, ratio)


if __name__ == "__main__":
    main()
