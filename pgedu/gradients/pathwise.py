"""Gradients through the reward itself, with less luck in them."""

from pgedu.arguments import able


def pathwise_gradients(world, policy, theta, rollout):
    """The pathwise estimate of grad J from each episode, [*R, B, D]: d(return)/d(theta) with the noise held fixed.

    An action is a(theta, z), with noise z that does not depend on theta. So J = E_z G(theta, z), and, where G is smooth,
    grad J = E_z dG/d(theta): the world is differentiated, instead of the policy's density. (Also known as
    reparametrisation.) Where the reward jumps, the average of the slopes misses the jumps: biased.

    `moments` and whatever else takes the gradients of `episode_gradients` takes these.

    Args:
        world: one that can differentiate itself, such as a `LinearQuadratic`: it answers `pathwise_gradients(policy, theta, rollout)`.
        theta: [*R, D] with which the rollout was sampled.
    Raises:
        ValueError: a world that cannot, or arguments that do not fit one another.
    Source: Kingma & Welling (2014); Mohamed et al. (2020), Monte Carlo gradient estimation, section 5.
    """
    able("world", world, "pathwise_gradients", "one that can be differentiated, such as a LinearQuadratic")
    return world.pathwise_gradients(policy, theta, rollout)
