"""The predictions of notebook 11, for `predict(*name)`: (question, options, the one that holds, why)."""

hidden_end = (
    "The whole cost is forgotten, and the proxy climbs without a pause. Where does true J end, which begins at 1.22?",
    ["Higher than at any time before", "Above the start, below its summit", "Below the start"],
    "Below the start",
    "True J rises to 1.76, passes its summit after 14 updates and ends at 0.95. At first proxy and truth want the same, "
    "offers to the "
    "curious. Then only the proxy wants more, offers to everybody.",
)
forty_percent = (
    "Only 40 % of the cost is forgotten. Where does true J end?",
    ["At about 1.7, with some harm done", "At about 1.0, later", "Near the best possible, 2.04"],
    "Near the best possible, 2.04",
    "Below a share of 44 % the proxy's best policy is still the true one, and at 40 % J ends at 2.03. A wrong reward "
    "does no harm in "
    "the end while it leaves the best policy the best.",
)
more_looks = (
    "100 customers per look, stop at the first fall. You look every 5 updates instead of every 10. What is kept is "
    "then, in the mean ...",
    ["better, as more is seen", "about as good", "worse, with twice as many looks"],
    "worse, with twice as many looks",
    "1.48 instead of 1.62. Between two looks J rises by less than the noise of their difference, so that at many of them "
    "the estimate falls by chance, and the rule stops too soon.",
)
half_hack = (
    "Exact ascent, from a coin. A boat that always goes on wins 100 tiles a race. How many does it win in the end?",
    ["About 100", "About 50", "About 0"],
    "About 50",
    "The arrows are all won, 50 a race. On an arrow both moves are worth the same, so their gradient is 0 and the coin "
    "stays: half of "
    "these steps lead back.",
)
smallest_bonus = (
    "The goal pays 1, γ = 0.9. From which bonus on is it best never to arrive?",
    ["From about 0.01 on", "From about 0.27 on", "From 1 on, what the goal pays"],
    "From about 0.27 on",
    "The curve crosses 0 at b = 0.268. Back and forth pays b every second step, for ever: discounted that is 4.7 b, and "
    "it has to "
    "make up for the goal's 1 and for one b.",
)
potential_of_50 = (
    "Now γ Φ(s′) − Φ(s) is paid, with Φ = 50 times the number of the tile. What is best?",
    ["To turn back for ever", "To go to the goal, as without it", "To stay at the start"],
    "To go to the goal, as without it",
    "The orange curve stays below 0, at the same height for every b. Whoever goes back pays what was earned on the way "
    "there, so a loop "
    "brings nothing.",
)
normal_errors = (
    "Normal errors, as large as the differences in truth. You take the best of 65,536 instead of 256. What is it truly worth?",
    ["More: 3.0 instead of 2.0", "The same: nothing more can be told apart", "Less: the errors take over"],
    "More: 3.0 instead of 2.0",
    "With normal errors half of what the proxy promises is true, always. The promise is twice too high and the choice "
    "is still the better one.",
)
heavy_errors = (
    "Now errors that are sometimes very large, Student's t. What is the best of 65,536 truly worth?",
    ["About 3, too", "About 1", "About 0.1, hardly more than any"],
    "About 0.1, hardly more than any",
    "It rises to 0.87 at n = 16 and falls to 0.09. Among so many the highest proxy belongs to the largest error, and an "
    "error says "
    "nothing of the truth.",
)
paid_as_it_stands = (
    "Each step is paid Φ of where it ends, and Φ(room) = 0.2. The exits pay 1 and 0.8. What is best?",
    ["Exit 1", "Exit 2", "To wait, for ever"],
    "To wait, for ever",
    "0.2 a step for ever is 0.2 / (1 − 0.9) = 2, twice what the best exit pays. From Φ = 0.1 on nobody leaves.",
)
