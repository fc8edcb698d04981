"""pgedu: policy gradient methods that can be touched. The public names, flat."""

from inspect import ismodule as _ismodule

from pgedu import moved as _moved
from pgedu.experience.enumeration import each_batch, enumerate_rollouts
from pgedu.experience.rollouts import Rollout, collect, share_clipped
from pgedu.experience.streams import Stream
from pgedu.experience.tables import rollout_from_table
from pgedu.gradients.baselines import batch_mean, constant, leave_one_out, none, optimal, state_value
from pgedu.gradients.diagnosis import Diagnosis, diagnose
from pgedu.gradients.estimators import (
    clipped_surrogate, clipped_weights, lambda_advantage, n_step_advantage, reward_to_go, td_advantage, total_return,
)  # fmt: skip
from pgedu.gradients.exact import (
    ExactMoments, Solution, exact_expectation, exact_gradient, exact_moments, exact_return, solve,
)  # fmt: skip
from pgedu.gradients.groups import group_advantage, preference_weights
from pgedu.gradients.intervals import normal_interval, wilson_interval
from pgedu.gradients.moments import Moments, episode_gradients, moments
from pgedu.gradients.off_policy import (
    direct_method, doubly_robust, effective_sample_size, importance_weights, per_decision_importance,
    standard_error, trajectory_importance, weighted_importance, weighted_per_decision,
)  # fmt: skip
from pgedu.gradients.off_policy_exact import OffPolicyMoments, off_policy_moments
from pgedu.gradients.pathwise import pathwise_gradients
from pgedu.gradients.returns import discounted_returns, gae, n_step_advantages, td_residuals
from pgedu.learning.actor_critics import a2c, a3c, actor_critic
from pgedu.learning.direct_preference import direct_preference
from pgedu.learning.guarded import guarded
from pgedu.learning.learned_value import LearnedValue
from pgedu.learning.optimizers import SGD, Adam
from pgedu.learning.preferences import (
    best_of_n, fit_rewards, kl_divergence, kl_estimate, kl_loss_weights, prefer, tilt, tilt_at,
)  # fmt: skip
from pgedu.learning.proximal import ppo
from pgedu.learning.q_learning import (
    double_q_learning, epsilon_greedy, expected_sarsa, q_learning, sarsa, table_return,
)  # fmt: skip
from pgedu.learning.reinforce import reinforce
from pgedu.learning.training import Progress
from pgedu.learning.trust_regions import (
    conjugate_gradient, fisher_matrix, fisher_vector_product, mean_kl, natural_direction, natural_gradient, trpo,
)  # fmt: skip
from pgedu.policies.approximators import MLP, Linear, Table
from pgedu.policies.gains import Gain
from pgedu.policies.heads import Categorical, Gaussian, log_softmax
from pgedu.policies.policy import Policy
from pgedu.policies.squashed import SquashedGaussian
from pgedu.policies.thompson import thompson_sampling
from pgedu.worlds.envs import TabularEnv, TabularVectorEnv
from pgedu.worlds.finite import bandit, campaign, cliff_walk, random_mdp, short_corridor, stay_or_stop
from pgedu.worlds.linear_quadratic import LinearQuadratic
from pgedu.worlds.logs import LoggedCounts, open_bandit, open_bandit_prior
from pgedu.worlds.mdp import MDP
from pgedu.worlds.pendulum import PendulumVectorEnv
from pgedu.worlds.planning import optimal_action_values
from pgedu.worlds.registry import register_worlds
from pgedu.worlds.sentences import Language
from pgedu.worlds.shaping import shaped
from pgedu.worlds.tickets import tickets

# `from pgedu import *` gives these names and no modules: a forgotten variable `returns` must not be a module.
__all__ = [name for name, value in globals().items() if not (name.startswith("_") or _ismodule(value))]

_moved.install()
__getattr__ = _moved.old_attribute
register_worlds()
