"""The worlds: finite ones as data, and as Gymnasium environments. No learning. Imports no other room.

Nobody above asks what a world is, only what it answers. One that can be solved exactly, as an `MDP` can, has

    gamma, horizon                                      of the task; horizon None where there is none
    require_fit(policy, theta) -> theta [*R, D]         ValueError where they do not fit this world
    solve(policy, theta, horizon=None) -> Solution      values, action values, visits
    exact_return(policy, theta, horizon=None)           J(theta), [*R]
    exact_gradient(policy, theta, horizon=None)         grad J(theta), [*R, D]
    vector_env(num_envs, max_episode_steps=None)        itself, as a Gymnasium vector environment

and one that samples whole episodes quicker than its environment would step:

    sample(policy, theta, episodes=..., rng=..., gamma=None, max_steps=...)    a generator, see `sampling.sample`

and one whose rewards and steps can be differentiated:

    pathwise_gradients(policy, theta, rollout)          of each episode, its chance held fixed, [*R, B, D]

A policy is passed in and asked for `size`, `outputs`, `score`, its `head` and its `approximator`: worlds import no policy.
"""
