"""The predictions of notebook 10, for `predict(*name)`: (question, options, the one that holds, why)."""

worth_of_a_log = (
    "1,000 customers, twelve months, a coin. The target does the right thing in 88 % of months. How many customers is the log worth?",
    ["About 900", "About 350", "About 35"],
    "About 35",
    "At x = 2 the black curve is at 35: each month multiplies the weight by 1.76 or by 0.24, and after some months a few "
    "customers carry the weight of all.",
)
most_estimates = (
    "And where do most of the 200 estimates by IS lie, which is unbiased?",
    ["Above the truth", "Below the truth", "Half above, half below"],
    "Below the truth",
    "The orange dots crowd below the dashed line, and a few lie far above it. Most logs lack the rare customers who carry "
    "the weight; whoever has one of them overestimates by far. In the mean that is right.",
)
two_months = (
    "Only two months are watched. Which variance is the larger one?",
    ["That of IS, as in twelve months", "That of PDIS", "They are equal"],
    "That of PDIS",
    "On the right the curve is at 1.06 for two months, above the dashed line; from three on it is below. An offer costs now and pays a month "
    "later: under the same weight the two partly cancel, under different ones they do not.",
)
ten_for_all = (
    "Ten is added to every reward, a click or not. Which estimate becomes a lot noisier?",
    ["Only that by IPS", "Only that by SNIPS", "Both"],
    "Only that by IPS",
    "IPS multiplies the ten with the weight, so its error is ten times the error of the mean weight. SNIPS divides by the mean "
    "weight, and what is added to all comes out unharmed.",
)
never_shown = (
    "The logger never shows banner 3, the target's favourite. What happens to the number of rows that the log is worth?",
    ["It falls to almost nothing", "It stays as it is", "It rises"],
    "It rises",
    "The weights that are left, 0.15 and 0.6, differ little, so 67 of 100 rows seem to count: the rows that are missing have no "
    "weight to betray them. The mean weight does: 0.30 where 1 is expected.",
)
one_click = (
    "Campaign all: 38 clicks in 10,000 rows, IPS 0.456 %. You take out the heaviest click. What is left?",
    ["About 0.45 %", "About 0.40 %", "About 0.26 %"],
    "About 0.26 %",
    "One click on an item that Thompson sampling shows about 20 times as often as chance has weight 19.6 of 45.6: 43 % of the estimate.",
)
men = (
    "Campaign men: random earns 0.46 %, and Thompson sampling earned 0.69 % in its own log. What does IPS make of it from the random log?",
    ["About 0.69 %", "About 0.45 %, no better than random", "About 0.20 %"],
    "About 0.45 %, no better than random",
    "The orange dot stands beside that of random. Its interval, 0.22 to 0.69 %, is so wide that it also goes with nearly "
    "everything else: \"no better\" was never said, only \"we cannot see\".",
)
best_of_25 = (
    "z = 0: each shop deploys what has the highest estimate. How many of 200 shops end up worse than with the coin?",
    ["None or a few", "About 50", "More than half"],
    "About 50",
    "Who takes the highest of 25 numbers takes the luckiest error along. The candidates with the widest intervals win, and "
    "the promise is far above what is earned.",
)
fresh = (
    "The weight holds the chance of an action that the target has drawn afresh. What does the estimate see of the target?",
    ["What it does, with more noise", "Only how decided it is", "Nothing at all"],
    "Only how decided it is",
    "The orange curve is lowest where the target shows all three alike, and high at both ends, also where banner 3, the best, is "
    "hardly shown: it is the sum of the squares of pi, times the sum of all click rates.",
)
