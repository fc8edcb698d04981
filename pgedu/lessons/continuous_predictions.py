"""The predictions of notebook 08, for `predict(*name)`: (question, options, the one that holds, why)."""

step_unseen = (
    "A step: no reward up to 1, a reward of 1 beyond. What does the pathwise gradient say at μ = 0?",
    ["About the truth, with little noise", "About the truth, with much noise", "0, every time"],
    "0, every time",
    "The reward is flat wherever an action can fall, so each slope is 0, without any noise, and wrong: dJ/dμ is above 0.",
)
shorter_waves = (
    "With k = 1 the pathwise gradient varies less up to a certain σ. You make the waves four times as short, k = 4. That σ then is ...",
    ["four times as large", "the same", "a quarter of it"],
    "a quarter of it",
    "The curves cross at σ = 1/k, in each case where kσ = 1: what counts is how many waves the policy's bell covers.",
)
hundred_times_the_channels = (
    "From 10 channels to 1,000. How many times as many calls does the pathwise gradient need?",
    ["As many as before", "Ten times as many", "A hundred times as many"],
    "As many as before",
    "The green line is level: each channel has its own slope, and does not hear the others. With the score function, one reward "
    "carries the noise of all channels into each of them.",
)
better_aim = (
    "The narrow bump is twice as high as the wide one. With σ = 1, which of them is the better aim for μ?",
    ["The high one", "The wide one", "The middle between them"],
    "The wide one",
    "With σ = 1 most actions miss the narrow bump. On the right the wide top gives about 0.83, the high one about 0.57.",
)
too_wide = (
    "σ = 1.5, and μ starts at 3, to the right of the high bump. Where does gradient ascent in μ arrive?",
    ["At the high bump", "At the wide one", "It stays: the slope is 0 there"],
    "At the wide one",
    "J is f seen through a bell of this width, and in J the high bump is no top any more: the way up goes straight past it.",
)
where_it_stops = (
    "σ = 1, and nothing is added. Where does μ come to rest, if the score is taken at the clipped action?",
    ["Nowhere: it grows for ever", "At about 1.1", "At 0"],
    "At about 1.1",
    "The orange push is 0 at about 1.08 and points back beyond it, where the true slope is still well above 0.",
)
something_added = (
    "2 is subtracted from every reward, whatever is played. Which of the two pushes change?",
    ["Both", "Only those of the score at the clipped action", "Neither"],
    "Only those of the score at the clipped action",
    "A score has the mean 0, so that a constant costs nothing; taken at the clipped action it has not, and the constant pushes.",
)
a_longer_step = (
    "From (0.1, 0.2), with α three times as large as here. What becomes of the gradient's path?",
    ["It arrives in a third of the updates", "It leaves the triangle at once", "It zigzags, and arrives all the same"],
    "It leaves the triangle at once",
    "Near the edge the slope is several hundred, while the triangle is only a few wide: the first step lands outside, where "
    "nothing is stable and there is no slope to come back by.",
)
ten_times_as_bold = (
    "The learning rate is ten times as large, 0.01. What do the 200 learners do?",
    ["They learn ten times as fast", "Most are thrown out of the triangle", "They stay about as they were"],
    "Most are thrown out of the triangle",
    "Ten rides give an estimate so noisy that at this rate about three in ten hold a gain that is not stable after one "
    "update. Those who may differentiate the cart (the switch) arrive, all of them, in about thirty updates.",
)
how_far_up = (
    "No reward is ever above 0. How far up can the best of all policies bring the mean return?",
    ["Close to 0", "To about −140", "To about −600"],
    "To about −140",
    "The motor is too weak to lift the rod: it must be swung up, and every step of that costs. The dashed line is the best there "
    "is, by dynamic programming, so that −150 is nearly perfect, and not a half-success.",
)
no_end_of_noise = (
    "With the mistake and 2 subtracted from every reward: what becomes of log σ?",
    ["It grows without end", "It falls without end", "It settles"],
    "It grows without end",
    "All rewards are negative, and at the clipped action z² − 1 is below 0 on average: the product pushes σ up, for ever.",
)
with_a_baseline = (
    "The same, but with a baseline (leave one out). How much of the damage is left?",
    ["All of it", "About half", "Hardly any"],
    "Hardly any",
    "The baseline takes the constant away, and nearly all of the damage was the constant's. So a program with a good "
    "critic may look well, and be wrong all the same.",
)
area_below = (
    "tanh is applied once too often in the correction. What is the area below the curve then?",
    ["1, as it must be", "Less than 1", "More than 1"],
    "Less than 1",
    "Near the bounds the orange curve lies far below the histogram: what a program takes for a density is none.",
)
