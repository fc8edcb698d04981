"""The predictions of notebook 12, for `predict(*name)`: (question, options, the one that holds, why)."""

best_wow = (
    "The reference says wow in one place of ten. With how many would the mean true reward be highest?",
    ["About 3 of 10", "About 6 of 10", "All of them"],
    "About 3 of 10",
    "The curve has its top there, at 0.449. The first wow of a sentence pleases, the third does harm, and with many "
    "of them the fourth does a lot of it.",
)
follow_the_judge = (
    "The judge agrees with 57.9 % of preferences, where 58.1 % is the most there is. You follow it further and "
    "further. What does the true reward do?",
    ["It rises along with the best possible, a little below", "It rises, and then stays where it is",
     "It rises, and then falls below where it began"],
    "It rises, and then falls below where it began",
    "The orange line has its top near a KL of 0.8, and is below the reference's own 0.28 from about 2.7 on, while "
    "the dotted line, what the judge says, "
    "only rises. The judge was hardly ever shown three wows, and for it more is better.",
)
at_the_same_kl = (
    "The same judge, at a KL of 1.19: the best policy for its scores that is so near, or the best of 8 by its "
    "scores. Which truly earns more?",
    ["The former: nothing as near has a better score", "Best of 8", "They earn the same"],
    "Best of 8",
    "0.68 against 0.49: the judge gives the tilt the higher score, and is wrong. A tilt stakes on a few sentences "
    "with extreme scores, whose chance it raises most. "
    "Best of n multiplies no sentence's chance by more than n.",
)
any_division = (
    "RLOO subtracts the mean of the others, GRPO divides by the group's deviation as well, and the penalty is part "
    "of the reward. Where does GRPO end?",
    ["At the star, as RLOO does", "Nearer to the reference", "Further away"],
    "At the star, as RLOO does",
    "At the star reward less penalty is the same for every sentence. Whatever one divides by, all advantages are 0 there.",
)
in_the_loss = (
    "Now GRPO's penalty moves into its loss, as k3. The star is at a KL of 0.55. At which KL does GRPO end?",
    ["At about 0.55", "At about 0.3", "At about 2.3"],
    "At about 2.3",
    "The rewards are divided by the group's deviation, about 0.3, and the penalty is not: it counts for a third, and "
    "for less and less as the "
    "group becomes of one mind.",
)
two_in_a_group = (
    "A pays 0. B pays 1 nine times in ten, and else it costs 20. Groups of two, divided by their deviation. Which "
    "way do they push?",
    ["Away from B", "Towards B", "Neither way: what B wins and loses cancels"],
    "Towards B",
    "In a group of two that differ, the better one has advantage 1 and the worse one −1, whether it lost 1 or 20. B "
    "is the better one nine times in ten.",
)
sixteen_in_a_group = (
    "And with groups of 16: how much must B cost, one time in ten, for them to push away from it?",
    ["About 20", "About 1,000", "No loss that is shown is enough"],
    "No loss that is shown is enough",
    "The curve flattens out above 0. One large loss makes the deviation as large as itself, so that it counts no "
    "more than about the root of the group's size.",
)
more_penalty = (
    "No reward at all, only the penalty: k1 in the loss, from the reference on. You raise β from 0.1 to 0.3. After "
    "300 updates the learners are ...",
    ["Nearer to the reference", "As far as before", "Further away from it"],
    "Further away from it",
    "The mean gradient of k1 is 0, so that nothing pulls back. What is left is noise, and β is its size.",
)
never_enough = (
    "All people prefer the first answer. DPO has a strong penalty, β = 10. Where do its log odds end?",
    ["At 1/(2β), the margin that people ask for", "At about 1", "Nowhere: they grow for ever"],
    "Nowhere: they grow for ever",
    "The green curve rises as long as you let it, only more slowly with a larger β. IPO, which asks for a margin of "
    "1/(2β), stops there.",
)
what_padding_does = (
    "Padding changes nothing of whether an answer is right. Each word gets a share of 1/|o|. What becomes of the "
    "padding after wrong answers?",
    ["It stays at about two words", "It disappears", "It fills up the room there is"],
    "It fills up the room there is",
    "7.90 words of 8: among wrong answers the long ones are blamed the least for each word. After right ones it "
    "shrinks to 1.02.",
)
upside_down = (
    "k3 with its ratio upside down, as a part of the reward, and β = 10. The reference gives the worst answer in 60 "
    "% of cases. In how many does the learner?",
    ["In about 60 %: the penalty is strong", "In about 30 %", "In none"],
    "In none",
    "An answer that has become a little rarer is punished for it, so that it becomes rarer still. The strong penalty "
    "drives it out altogether.",
)
