"""The predictions of notebooks 05 to 07, for `predict(*name)`: (question, options, the one that holds, why)."""

# 05 Actor-critic

belief_or_experience = (
    "All critics start with v = 0. Which are closer to the truth, those with λ = 0 or those with λ = 1?",
    ["λ = 0, early and late", "λ = 1, early and late", "λ = 1 after 100 customers, λ = 0 after 2,000"],
    "λ = 1 after 100 customers, λ = 0 after 2,000",
    "On the right: with λ = 1 every customer says at once what they were worth, luck included, so the curve falls soon "
    "and stays noisy. With λ = 0 the way is slow, and ends closer.",
)
waits_for_the_end = (
    "Twelve months are left, and λ = 0.95. How much weight has the estimate that waits for the end?",
    ["About 5 %", "About 20 %", "More than half"],
    "More than half",
    "The last bar takes all that is left, 0.95 to the power of 11, which is 57 %. With λ = 0.5 it is 0.05 %.",
)
perfect_critic = (
    "The critic is perfect, e = 0. Where is the lowest point of the black curve?",
    ["Near λ = 0", "Near λ = 0.5", "At λ = 1"],
    "Near λ = 0",
    "There is no bias to pay at any λ, and waiting for rewards only adds their noise: the black curve rises with λ.",
)
more_episodes = (
    "The critic is wrong, and you take more episodes. Where does the lowest point move?",
    ["To the left, towards λ = 0", "To the right, towards λ = 1", "It stays: bias and variance fall together"],
    "To the right, towards λ = 1",
    "More episodes average the variance away, and leave the bias. So it pays to rely less on the critic, as the curve "
    "on the right shows.",
)
ten_times_the_rate = (
    "The learning rate is ten times as large, 0.3. Which of the two actor-critics is ahead after 3,000 steps?",
    ["λ = 0.9, as before", "λ = 0", "Neither: both are lost"],
    "λ = 0",
    "Its curve is near the best, while about half of those with λ = 0.9 are stuck at −50: the blame for a fall spreads "
    "over many steps, and at this rate one such push can decide a policy for good.",
)
closing_the_books = (
    "The cut is taken for the end. To whom does an offer to the curious seem to be a loss?",
    ["To who watches for three months", "To who watches for two years", "To both"],
    "To who watches for three months",
    "On the right the mistaken curve is below 0 for short recordings: the offer costs 1 now, and the years in which it "
    "pays are missing. Watched for two years, few customers are cut off, and the curve is near the truth.",
)
fast_actor = (
    "The actor is ten times as quick as its critic. What do the 50 learners do?",
    ["They arrive, only sooner", "Most give up offers, and stay there", "They jump to and fro"],
    "Most give up offers, and stay there",
    "The dots run to the left wall before the critics have learned what offers bring: after 100 updates about 40 of 50 "
    "have given them up, after 300 more than half still have.",
)
both_too_high = (
    "λ = 0. You overrate both kinds of customers by 3, then only the loyal. What becomes of the bias?",
    ["It is halved", "It stays about the same", "It more than doubles"],
    "It more than doubles",
    "The orange part grows about sevenfold, and it is a square. An error that is the same for whoever comes next favours "
    "neither action, but for those who are lost; who is wrong about one kind alone favours what leads to that kind.",
)
across_the_end = (
    "The critic is right. What does it cost when the sum runs on into the next customer's episode?",
    ["Bias, but no variance", "Variance, but no bias", "Both"],
    "Variance, but no bias",
    "The arrow is the right one and the ellipse is wider, by 38 % in variance: what is added has mean zero. Move the "
    "error of the critic, and it has not: then there is bias, too.",
)

# 06 A2C and A3C

spread_out = (
    "A season lasts 20 days. Which estimate from 64 days is the least noisy?",
    ["64 days of one shop", "64 shops with one day each", "All the same: it is the number of samples that counts"],
    "64 shops with one day each",
    "The black curve falls from left to right: days of one shop tell again and again about the same season. 64 of them "
    "are worth 8 days in as many shops.",
)
short_seasons = (
    "And if a season lasts 2 days, so that tomorrow is a coin toss?",
    ["The same shops win", "64 days of one shop win", "All are equally noisy"],
    "All are equally noisy",
    "At 2 days the black curve is level and lies on the dotted line: today says nothing about tomorrow, so 64 days of one "
    "shop are as good as any others.",
)
entropy_moves_the_top = (
    "Where is the top of the hill J + βH, if β is large?",
    ["At p = 1, as for β = 0", "Between 1/2 and 1, the lower the larger β", "At p = 1/2, whatever β is"],
    "Between 1/2 and 1, the lower the larger β",
    "The dot moves to the left as β grows: it stands at 1 / (1 + exp(−1/β)), which is 0.88 at β = 0.5 and comes near "
    "1/2 only for a very large β. That is the price of exploring.",
)
entropy_in_the_corner = (
    "And at the left end, where the better action is hardly ever tried, what does β do to the slope?",
    ["It makes the slope larger", "It makes the slope smaller", "Nothing"],
    "It makes the slope larger",
    "On the right: the slope is multiplied by 1 + β log((1 − p) / p), and the logarithm is large there. A policy that "
    "was unlucky comes back sooner.",
)
how_old = (
    "Four workers, no delay. From which parameters was the gradient worked out that turns θ₂₃ into θ₂₄?",
    ["From θ₂₃", "From θ₂₀", "From θ₁₉"],
    "From θ₂₀",
    "Follow the coloured bar back to its dot: while this worker was busy, the three others have pushed once each. It "
    "is workers − 1 + delay updates late.",
)
slow_worker = (
    "You make worker 1 four times as slow as the three others. How many updates late are its gradients then?",
    ["3, as before", "About 6", "About 12"],
    "About 12",
    "While it is busy once, each of the three others pushes four times. Theirs become a little younger, 2.25 on average, "
    "since worker 1 seldom comes in between.",
)
delay_of_sixty = (
    "Learning rate 0.005. What will a delay of 60 do to A3C?",
    ["Hardly anything", "It makes the learners swing until they fall off", "They stand still"],
    "Hardly anything",
    "A3C starts a few rounds late and is level with A2C by round 80: at so small a rate an old gradient is still about "
    "right. At 0.05 it is not: there the learners swing around the top, and many are lost within 150 rounds.",
)
until_it_swings = (
    "Learning rate 0.03. From which staleness on does p swing for ever?",
    ["From about 10", "From about 50", "Never, with so small a learning rate"],
    "From about 50",
    "The limit is about a (τ + 1/2) = π/2, with a = 0.97 α: the point in the right picture crosses the curve at a "
    "staleness of 54. Or the learning rate does it: at a staleness of 7 it may not exceed 0.22.",
)
share_of_waiting = (
    "c = 1 and 16 workers. What share of their time do the workers of A2C wait?",
    ["About 6 %, one sixteenth", "About 30 %", "About 70 %"],
    "About 70 %",
    "All wait for the slowest of 16, who takes 1 + 1/2 + ... + 1/16 = 3.4 times as long as the mean: the grey in the "
    "left picture. 1 − 1/3.4 is 70 %.",
)
one_environment = (
    "One environment instead of eight. Counted in updates, will the learners be faster or slower?",
    ["Faster", "As fast", "Slower"],
    "Slower",
    "After 100 updates it is at about 70, and eight environments at about 200: the gradient of one segment is much "
    "noisier than the mean of eight. But it has used an eighth of the steps.",
)

# 07 Trust regions and PPO

far_along_the_gradient = (
    "From where a coin decides, J is followed along the gradient. What does the curve do?",
    ["It rises and levels off at the best J, 18.4", "It rises, and then falls again", "It falls from the start"],
    "It rises, and then falls again",
    "Its top is at α = 1.68. Further out all customers are kept on their plan, and eight in ten of them are on basic.",
)
top_of_the_surrogate = (
    "A coin decides. Where on the map is the top of the surrogate?",
    ["In the upper left, as that of J", "On the edge of the region", "Nowhere: it rises for ever"],
    "Nowhere: it rises for ever",
    "The shading darkens to the upper right without end: a sum of probabilities times constants, the advantages of the "
    "old policy, which both say keep. J is highest in the upper left.",
)
where_the_clip_stops = (
    "A coin decides, and ε = 0.2. Where has the clip silenced all samples?",
    ["Outside a closed line, as TRPO's region has", "In a corner that never ends", "Nowhere"],
    "In a corner that never ends",
    "Where both hatchings meet: beyond x = 0.41 and y = 0.41, at a keeping of 0.6 = 0.5 (1 + ε). In there the KL is as "
    "large as you like, and nothing in the data calls back.",
)
stuck = (
    "You drag the start to (2, −2), with α = 0.3. Which of the two paths gets stuck?",
    ["The gradient", "The natural gradient", "Neither"],
    "The gradient",
    "It runs along the plateau to the right: the fewer premium customers are met, the smaller is the slope along y. "
    "After 30 updates its J is 9.8; the natural gradient has 18.4.",
)
stretched = (
    "You move the stretch. Which of the two paths changes?",
    ["Only the gradient's", "Only the natural gradient's", "Both"],
    "Only the gradient's",
    "The natural gradient measures steps by how much the policy changes, and the policy does not know in which units y "
    "is counted. The gradient does: with a stretch of 3 it even gets off the plateau.",
)
a_full_nat = (
    "A region of one nat instead of 0.03. What will it do?",
    ["All learners arrive, only sooner", "Some learners end far below the best, and stay there",
     "All learners are lost"],
    "Some learners end far below the best, and stay there",
    "The lower edge of the band stays down: a long step trusts a small sample, some policies decide wrongly, and a "
    "policy that has decided sees nothing new. A tenth of 0.03 is safe, and slow.",
)  # fmt: skip
silent_samples = (
    "An action turned out well, A > 0. For which ratios is its weight 0?",
    ["Only above 1 + ε", "Only below 1 − ε", "Above 1 + ε and below 1 − ε"],
    "Only above 1 + ε",
    "On the left the weight drops to 0 where the ratio passes 1 + ε: far enough in the right direction. Below 1 − ε "
    "the minimum takes r A, which is not clipped.",
)
fallen_by_accident = (
    "And if the probability of this good action has, by accident, fallen to half of what it was?",
    ["It is not pushed: it is beyond the clip", "It is pushed up again", "It is pushed further down"],
    "It is pushed up again",
    "At a ratio of 0.5 the weight is positive, 0.5: the clip only silences what has gone far enough in the right "
    "direction.",
)
without_the_clip = (
    "A learning rate of 0.03 and four epochs. You take the clip away (10). What will be seen first?",
    ["The return collapses", "The KL of an update is larger, the return about as good", "Nothing at all"],
    "The KL of an update is larger, the return about as good",
    "The curve of the KL jumps to several times its height, and the return stays about where it was: with small steps "
    "there is little to hold back. Ten epochs and a rate of 0.1 need the brake.",
)
how_it_ends = (
    "After thirty updates (move the slider), how do most episodes of learner 0 end?",
    ["The pole falls, only later", "The cart leaves the track", "After 500 steps"],
    "The cart leaves the track",
    "Watch the marks at the sides: the pole is kept up, and the cart drifts away. After five updates it was the pole "
    "that fell; the slower failure is met only by those who have got over the first.",
)
not_normalised = (
    "Choose: advantages not normalised. What will it do to the return after sixty updates?",
    ["It is clearly lower", "It is about the same", "It is higher"],
    "It is higher",
    "By about 80 on average over eight seeds; with one seed alone (standard error about 40) you may have seen more or "
    "less. Nearly all programs normalise: see below what it costs here.",
)
missing_sign = (
    "The minus sign is missing. What will the learners do?",
    ["Nothing: they stay where they started", "They end below the J they started from", "The same, only slower"],
    "They end below the J they started from",
    "J falls in the first updates and stays down, except for a few that were lucky. The KL of the first update leaps: "
    "the clip stops only what moves in the right direction.",
)
