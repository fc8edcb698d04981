"""The predictions of notebooks 00 to 04, for `predict(*name)`: (question, options, the one that holds, why).

They stand here and not in the cells, where a student would read the answer with the question.
"""

# 00 Start here

large_steps = (
    "With a learning rate of 3, where will most of the shops be after some hundred updates?",
    ["At the top of the hill", "Around the top, on both sides of it", "At the two feet of the hill"],
    "At the two feet of the hill",
    "A leap carries a dot past the top, or back down: to never or always an offer. There hardly anything new is seen, so it "
    "stays for long. With 0.1 the dots climb to the top.",
)
two_rules_apart = (
    "A thousand customers with p = 0.50, and a thousand with p = 0.69, the best. How often will 0.69 come out ahead?",
    ["Practically always", "Nine times in ten", "About six times in ten"],
    "About six times in ten",
    "On the hill the two policies are only 0.06 apart, while the middle of the blue bar moves by about 0.16 from seed "
    "to seed, up or down: the noise is larger than the difference.",
)

# 01 Bandits

one_more = (
    "All preferences are 0. You raise H(A) by 1. How probable is A then, compared with B?",
    ["Twice as probable", "2.72 times as probable", "That depends on H(C)"],
    "2.72 times as probable",
    "The ratio is e to the power of H(A) − H(B), and e is about 2.72; the sentence below the bars says it. C shares in "
    "what is left, but does not enter the ratio.",
)
the_same_for_all = (
    "You add the same c to all three preferences. What happens to the probabilities?",
    ["Nothing", "All three become larger", "The largest gains, the others lose"],
    "Nothing",
    "The black marks do not move with the slider c: above and below the fraction bar everything is multiplied by the "
    "same number. Only differences of preferences count.",
)
all_negative = (
    "An offset of −10 and no baseline: practically every reward is negative. What will the 200 learners have done "
    "after 200 updates?",
    ["Stayed near the middle: whatever is taken, less of it", "Settled, about half of them on a wrong arm",
     "Settled on A, as with an offset of 0"],
    "Settled, about half of them on a wrong arm",
    "What the taken arm loses, the others gain, each in proportion to what it has. So whoever is ahead pulls ahead, and "
    "the dust collects in all three corners.",
)  # fmt: skip
ten_times_faster = (
    "The baseline is on. With ten times the learning rate, 1.0, how many learners take the best arm after 1,000 steps?",
    ["More than before", "As many, but they were there sooner", "Fewer than before"],
    "Fewer than before",
    "The curve rises faster at first and stops at about one half: many learners settle on an arm that was lucky, and a "
    "learner that has settled hardly tries another.",
)
larger_rate = (
    "With the baseline, the learning rate of 0.4 leads at first. When is it overtaken by 0.1?",
    ["After about 20 steps", "After about 200 steps", "Not within 1,000 steps"],
    "After about 200 steps",
    "The two upper curves cross there: large steps find out sooner, and settle too early.",
)
bandit_or_test = (
    "10,000 visitors, and a test of n = 1,445 for each creative. Who loses fewer clicks, test or gradient bandit?",
    ["The test, which knows the winner almost for sure", "The gradient bandit", "Both lose about the same"],
    "The gradient bandit",
    "The dashed line climbs to about 400 clicks, all lost during the test, in which four of five visitors see a worse "
    "creative. The bandit's curve bends as soon as it leans towards the best. (With n = 300 it would be closer.)",
)

# 02 The policy gradient theorem

wrong_way = (
    "Where on the hill will about half of the arrows point the wrong way?",
    ["Near the top", "Far to the left, where it is steep", "Nowhere: on average they are right"],
    "Near the top",
    "There the exact slope goes through 0, and the dots on the right scatter around it on both sides. Where it is "
    "steep they scatter more, but around a slope that is larger still.",
)
steps_until_the_slope = (
    "Up to which k must you count until the sum is within 5 % of the exact slope?",
    ["About 3: there are three rooms", "About 18: an episode lasts that long", "More than 40"],
    "More than 40",
    "At k = 18 about 70 % are there. Episodes of more than 18 steps are common, and what a room adds depends on all "
    "visits to it, late ones, too: 5 % are still missing at k = 42.",
)
rare_offers_to_the_loyal = (
    "You make offers to the loyal rare. What happens to the gradient of the curious?",
    ["Nothing: that is another state", "It becomes larger", "It becomes smaller"],
    "It becomes larger",
    "Offers are wasted on the loyal. Without them a loyal customer is worth more, so winning a curious one over gains "
    "more: the dark bar of the curious grows by more than the light one.",
)
almost_decided = (
    "A policy offers to the curious almost always. What is left of the gradient of that preference?",
    ["Nearly nothing", "As much as before: the offer is as good as it was", "It is larger than ever"],
    "Nearly nothing",
    "The factor π(offer) π(wait) goes to 0, while the gain of the offer stays about what it was. So a softmax policy "
    "that has decided wrongly learns slowly, too.",
)

# 03 REINFORCE

only_what_came_after = (
    "You weight each action only with the rewards that came after it (reward to go). What changes?",
    ["The cloud gets narrower, its centre stays", "The centre moves, as something is left out", "Both"],
    "The cloud gets narrower, its centre stays",
    "An action cannot change what came before it, so those rewards cancel on average: the expected estimate stays at the "
    "star. Here they made the cloud wider, too.",
)
without_gamma_power = (
    "You leave γᵗ out, as most programs do. What are the estimates expected to be then?",
    ["The exact gradient still, only noisier", "The exact gradient, but longer", "An arrow that points elsewhere"],
    "An arrow that points elsewhere",
    "The dashed arrow in the enlarged middle turns by 12° (at θ = 0). It is exact, so no batch cures it: late months now "
    "count as if they were not discounted.",
)
a_hundred_times = (
    "The learning rate is 0.001. What will a hundred times as much, 0.1, do?",
    ["The learners arrive a hundred times sooner", "They arrive sooner, and tremble around the top",
     "They fall off the hill, and stay there"],
    "They fall off the hill, and stay there",
    "One long episode throws a learner to an edge, where all its episodes look alike: the dots pile up there. (Ten times "
    "as much, 0.01, makes them arrive sooner and tremble, and those who fall find back.)",
)  # fmt: skip
dots_on_the_lines = (
    "How many episodes does each dot need until all 28 are within 10 % of their lines?",
    ["About 100", "About 1,000", "More than 10,000"],
    "More than 10,000",
    "At 1,000 some dots are still off by 40 % or more, at 50,000 by about 10 %: a few long episodes make most of the "
    "variance, and whether they are in the sample is luck.",
)

# 04 Baselines and variance

follows_the_action = (
    "You let b follow the action, up to b(a) = q(a), the best forecast there is. What does the cloud do?",
    ["It shrinks around the star", "It shrinks, and slides off the star", "It grows"],
    "It shrinks, and slides off the star",
    "Cloud and arrow go to 0: what one action is worth more than another has been subtracted, too, and that was all "
    "there was to learn. A little noise is left, and no direction.",
)
where_least = (
    "Reward to go, θ = 0.40: the mean return, from every step on, is v = 0.67. For which b is the variance least?",
    ["For b = 0", "For b = v", "For a b that is far larger than v"],
    "For a b that is far larger than v",
    "The lowest point is at about 2.3: a long episode has a large return and many scores, so it weighs more than a "
    "short one in the variance, and the baseline has to lie near its returns.",
)
what_a_baseline_reaches = (
    "Which of the three parts of the variance can a baseline b(s) change?",
    ["All three", "Only that of the action", "Only what follows"],
    "Only that of the action",
    "Only the middle bar moves. Given the state, b(s) multiplies scores whose mean is zero, so it cannot move what the "
    "start state contributes; and it knows nothing of what chance does after the action.",
)
income_for_all = (
    "An income of 1 a month, whatever the customer does. Which learners are disturbed?",
    ["None: nothing to decide has changed", "Those without a baseline alone",
     "Those without a baseline, and for a while those with a learned value"],
    "Those without a baseline, and for a while those with a learned value",
    "Leave one out learns as before, since the other episodes were paid the income, too. A learned value begins at 0 "
    "and must first find out about it; without a baseline the noise stays, and many end in a wrong corner.",
)  # fmt: skip
costs_no_bias = (
    "Three mistakes. Which of them costs no bias at all?",
    ["Every action is weighted with the full return", "γᵗ is missing", "Each baseline is fitted on its own episode"],
    "Every action is weighted with the full return",
    "Its arrow is the right one: rewards from before the action cancel on average. Here they add noise, as in most worlds, "
    "so its ellipse is wider. Of the other two, one turns the arrow, and the other leaves none.",
)
learns_the_opposite = (
    "And which of these makes the learner do the opposite of what is right?",
    ["Rewards are shifted by one", "γᵗ is counted twice", "Returns are standardised in each episode"],
    "Returns are standardised in each episode",
    "Its arrow points away from the star, and J falls: an offer that wins a customer makes the later returns of the "
    "same episode large, so it stands below their mean and is blamed.",
)
