"""The predictions of notebook 13, for `predict(*name)`: (question, options, the one that holds, why)."""

last_turn = (
    "Your rule wants 2 facts. In the last turn the bot knows less, and a human is worth 0.4. What earns more?",
    ["To hand over", "To answer all the same", "Both the same"],
    "To answer all the same",
    "Its dot is at 0.738; with the handover it falls to 0.706. In most of these tickets one fact is known, and an answer "
    "is then right in 60 % of cases. To hand over is better with nothing known, which is rarer.",
)
no_clock = (
    "A bot sees what it knows, but not which turn it is. How far below the best possible, 0.74, does its best policy stay?",
    ["Not at all: what it knows is all that counts", "By about 0.02", "By more than 0.1"],
    "By more than 0.1",
    "Its learners stop near 0.6, and the best of such bots has 0.608: with one fact and a turn left it should search, in the "
    "last turn it should answer, and to this bot the two look alike.",
)
dearer = (
    "Searches become dearer. Which one does the best bot give up first?",
    ["The first, with nothing known", "The second, with one fact known", "Both at the same cost"],
    "The second, with one fact known",
    "Up to 0.24 both are made; at 0.25 it answers with one fact, and from 0.28 on at once. The first search may bring "
    "0.4, the second 0.35, each with chance 0.7: 0.28 and 0.245 are just that.",
)
small_bonus = (
    "A search costs 0.05. You pay the bot a bonus of 0.1 for each. What becomes of the true J?",
    ["It rises: more is known", "It falls", "It stays as it is"],
    "It falls",
    "True J goes from 0.738 to 0.714, and the paid one up to 1.014: with two facts the bot goes on searching until the last "
    "turn. Beyond a bonus of 1 it never answers, and the shop pays 0.2 for each ticket.",
)
which_varies = (
    "A search costs 0.05, and there is no baseline. Which weights give the larger variance?",
    ["Those of the whole ticket", "Those of reward to go", "Both the same"],
    "Those of reward to go",
    "Blue is above orange: 0.245 against 0.214. What reward to go leaves out here is a cost, so that each later weight, "
    "mostly above 0, becomes larger.",
)
per_turn = (
    "Now with a baseline of one number for each turn. Which variance is the larger one?",
    ["That of the whole ticket", "That of reward to go", "They are the same"],
    "They are the same",
    "0.0865 both. Whoever is still there at turn 3 has paid for two searches: what the two weights differ by depends on "
    "the turn alone, and the baseline takes that away.",
)
all_words = (
    "The tool's words are left in the loss, with a baseline. What becomes of the true J, and of the belief?",
    ["J is lower, the belief stays", "J is the same, the belief goes to 1", "Both suffer"],
    "J is the same, the belief goes to 1",
    "The dashed curve lies on the blue one. On the right it leaves the truth in a few updates: the tool's \"found\" was "
    "followed by more reward than its \"nothing\", so it is made likelier, as if it had been a good decision.",
)
hand_over_hard = (
    "The bot hands over all hard tickets. What becomes of the share that does not ask again, among those it has closed?",
    ["It falls", "It rises", "It stays"],
    "It rises",
    "From 83 to 95 %, while the bot solves 54 % of all tickets instead of 66 %. The share is of what it has kept, "
    "and it has kept the easy ones.",
)
give_up = (
    "More customers give up after a wrong answer, 80 % instead of 50 %. Which of these bars grows?",
    ["None", "The share that does not ask again", "The share that is helped in the end"],
    "The share that does not ask again",
    "From 83 to 93 %, with the same answers. Who gives up does not ask again, and is not helped either: helped in the end "
    "falls from 80.5 to 71.8 %.",
)
scarcer = (
    "You lower the limit from 20 to 5 % of all tickets. What becomes of the price of a handover?",
    ["It rises", "It stays", "It falls"],
    "It rises",
    "The dashed, exact price goes from 0.15 to 0.22, and that of the bots first shoots beyond it: what is still handed over "
    "are the tickets for which a human matters more. One more place at the human desk is worth that much.",
)
leak = (
    "The KL penalty counts the tool's words, too. The model is sure (0.99) of what happens in 70 %. Does the bot search less?",
    ["Less: each search is penalised", "As before", "More"],
    "More",
    "The top moves to the right. Each \"nothing\", which the model holds for next to impossible, is paid as if it had come "
    "nearer to the reference, and the bot can have that by searching.",
)
