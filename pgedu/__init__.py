"""pgedu: policy gradient methods that can be touched. The public names, flat."""

from pgedu.approximators import MLP, Linear, Table
from pgedu.baselines import LearnedValue, batch_mean, constant, leave_one_out, none, optimal, state_value
from pgedu.enumeration import each_batch, enumerate_rollouts
from pgedu.envs import TabularEnv, TabularVectorEnv, register_worlds
from pgedu.estimators import Moments, episode_gradients, moments, reward_to_go, total_return
from pgedu.exact import ExactMoments, Solution, exact_gradient, exact_moments, exact_return, solve
from pgedu.mdp import MDP, bandit, campaign, cliff_walk, random_mdp, short_corridor, stay_or_stop
from pgedu.optimizers import SGD, Adam
from pgedu.policies import Categorical, Gaussian, Policy
from pgedu.returns import discounted_returns, gae, td_residuals
from pgedu.rollouts import Rollout, collect
from pgedu.streams import Stream
from pgedu.training import Progress, reinforce

register_worlds()
