"""The predictions of notebook 14, for `predict(*name)`: (question, options, the one that holds, why)."""

thompson_alarms = (
    "Two arms that are exactly alike, Thompson sampling for eight weeks, one test at 5 % at the end. How often does it call them different?",
    ["In 5 %, as it was promised", "In fewer: most customers are in one arm", "In more than twice as many"],
    "In more than twice as many",
    "The last column says 12.3 for Thompson and 5.0 for the fixed split. An arm that was unlucky early gets few customers more, so its bad luck "
    "is never put right, and stays in its mean.",
)
ten_looks = (
    "Two arms that are alike, and somebody looks at |z| > 1.96 after each of ten weeks. How often is there an alarm at some look?",
    ["In 5 %: the test is one of 5 %", "In about 19 %", "In 40 %: 1 - 0.95 to the power of ten"],
    "In about 19 %",
    "The curve is at 19.3 for ten looks. More than 5, since each look is another chance; less than 40, since each look sees again "
    "what the one before has seen.",
)
price_of_a_floor = (
    "A floor of 10 % costs about 22 conversions, and takes the false alarms from 12.3 to 6.0 %. What do the next 10 points of floor bring?",
    ["About the same again, for the same price", "More conversions lost, and hardly fewer alarms", "Hardly any change in either"],
    "More conversions lost, and hardly fewer alarms",
    "At 20 % 107 are lost instead of 74, and 5.1 % of A/A tests alarm instead of 6.0: below the promised 5 there is nothing to win. "
    "The first few points of floor are the cheap ones.",
)
who_is_dropped = (
    "The price of a contact rises from 0 until contacts are halved, from 0.68 to 0.35 a head. Whom does this hardly touch?",
    ["Nobody: all are contacted half as often", "Segment A, the smallest, with a profit of 3", "Segment D, the largest"],
    "Segment A, the smallest, with a profit of 3",
    "At a price of 0.70 A is still contacted always, B in 82 %, C in 27 % and D in 1 %: what counts is profit above the price, "
    "in units of tau, and not how many there are.",
)
without_entropy = (
    "tau = 0, no entropy. The price rises while there are too many contacts and falls while there are too few. Where does it end?",
    ["At 0.5, where the limit is just kept", "Nowhere: it circles", "It grows without end"],
    "Nowhere: it circles",
    "At a price of exactly 0.5, C does not matter either way; above it C is dropped, below it C is taken, and each comes too late for the other. "
    "Only the mean of the contacts settles, at the limit.",
)
ten_times_the_audience = (
    "The audience is 1,000,000, and the best test has about 31,500 customers per arm. Ten times the audience: how large is it now?",
    ["Ten times as large", "About three times as large", "As large as before"],
    "About three times as large",
    "107,000, 3.4 times as large: about the root of ten. A test must pay for itself out of what comes after it, but it also has less and less left to learn.",
)
two_good_days = (
    "On day 1 the new arm is 15 % better, on day 2 20 %. How does it look when both days are added up?",
    ["Between 15 and 20 % better", "As good as the old one", "Worse than the old one"],
    "Worse than the old one",
    "27 % worse, if 1 % had it on day 1 and half on day 2. Nearly all of the new arm's customers are of day 2, on which both arms do half as well. Pooling compares day 2 with day 1.",
)
halves_assumed = (
    "95 : 5 is planned, and 95 : 5 it is. The check of the sample ratio expects halves. From how many customers on does it nearly always alarm?",
    ["From about 30", "From about 10,000", "Never: the ratio is as planned"],
    "From about 30",
    "The orange curve is near 100 % at 30 customers. A check that always alarms is switched off, and then it is not there on the "
    "day on which it is needed.",
)
