"""pgedu: policy gradient methods that can be touched. The public names, flat."""

from pgedu.actor_critics import a2c, a3c, actor_critic
from pgedu.approximators import MLP, Linear, Table
from pgedu.baselines import LearnedValue, batch_mean, constant, leave_one_out, none, optimal, state_value
from pgedu.enumeration import each_batch, enumerate_rollouts
from pgedu.envs import TabularEnv, TabularVectorEnv, register_worlds
from pgedu.estimators import (
    Moments, clipped_surrogate, clipped_weights, episode_gradients, lambda_advantage, moments, n_step_advantage,
    reward_to_go, td_advantage, total_return,
)  # fmt: skip
from pgedu.exact import ExactMoments, Solution, exact_gradient, exact_moments, exact_return, solve
from pgedu.mdp import MDP, bandit, campaign, cliff_walk, random_mdp, short_corridor, stay_or_stop
from pgedu.optimizers import SGD, Adam
from pgedu.policies import Categorical, Gaussian, Policy
from pgedu.proximal import ppo
from pgedu.returns import discounted_returns, gae, n_step_advantages, td_residuals
from pgedu.rollouts import Rollout, collect
from pgedu.streams import Stream
from pgedu.training import Progress, reinforce
from pgedu.trust_regions import (
    conjugate_gradient, fisher_matrix, fisher_vector_product, mean_kl, natural_direction, natural_gradient, trpo,
)  # fmt: skip

register_worlds()
