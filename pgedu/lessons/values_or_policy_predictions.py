"""The predictions of notebook 09, for `predict(*name)`: (question, options, the one that holds, why)."""

does_more = (
    "Q-learning or expected SARSA, both with ε = 0.1 (the list switches): after 10,000 steps, which earns more with what it does?",
    ["Q-learning", "Expected SARSA", "Both the same: they learn the same route"],
    "Expected SARSA",
    "Its solid curve ends near −21, that of Q-learning near −50. Q-learning learns the shortest way, −13, and would earn "
    "that if it stopped exploring; with one random step in ten, it falls off the edge.",
)
shortest_no_more = (
    "You raise ε from 0.001. From which ε on is the shortest way, along the edge, no longer the best?",
    ["From less than 0.01 on", "From about 0.05 on", "From about 0.2 on"],
    "From less than 0.01 on",
    "At ε = 0.0076 the arrows jump to the second row: a fall costs 100 steps and more, so even one random step in 130 is "
    "too many for ten steps along the edge. At 0.157 they jump to the third.",
)
alike_states = (
    "In the corridor three states look alike. After 2,000 steps, whose curves are near the dashed line?",
    ["Those that learn action values", "Those that learn a policy", "All five"],
    "Those that learn a policy",
    "The best policy there is a coin, right with probability 0.59. A greedy policy is none: acted with ε = 0.1 it comes "
    "to −44 or −82, and by itself it never arrives.",
)
longer_in_the_campaign = (
    "In the campaign you let Q-learning go on from 500 to 6,000 steps, with α = 0.5. What becomes of its median J?",
    ["It climbs to the best, 2.04", "It stays near 1.2 or jumps to and fro", "It falls below 0.5"],
    "It stays near 1.2 or jumps to and fro",
    "Half of each new target goes into the table, luck included, so the noise never averages out and the greedy policy "
    "keeps changing. With a small α, or one that falls, it does climb.",
)
twenty_episodes = (
    "Left is wrong. After 20 episodes, how many Q-learners go left?",
    ["About 5 %, by exploring", "About half", "About nine in ten"],
    "About nine in ten",
    "The curve of Q-learning climbs to 0.93: of ten noisy estimates the largest is above 0, though each is −0.1 in "
    "truth. Double Q-learning is at about 0.3 by then, on its way down.",
)
left_is_right = (
    "Now left is right: you set the mean in B to +0.1, and all start afresh. Of which learners do more go left, "
    "after 20 episodes and after 300?",
    ["Q-learning", "Double Q-learning", "Equally many of both"],
    "Q-learning",
    "It overrates B, and now that is a help: after 20 episodes about nine in ten go left, of the double ones about four "
    "in ten; after 300 still more than twice as many as of the double ones. Too low an estimate keeps them away from "
    "what would correct it.",
)
judge_names = (
    "The table that judges also names the best action. How many go left after 300 episodes?",
    ["About 7 %, as with double Q-learning", "About 12 %, as with Q-learning", "More than half"],
    "More than half",
    "Its curve stays above 0.8: this is a maximum of one table again, with all its bias, and each table learns from half "
    "of the episodes only, so it takes longer to see its error.",
)
