"""Make the tables of pgedu/worlds/open_bandit from the Open Bandit Dataset's sample in the wheel of obp 0.4.1.

    pip download --no-deps obp==0.4.1
    python .ci/extract_open_bandit.py obp-0.4.1-py3-none-any.whl pgedu/worlds/open_bandit

The same wheel gives the same bytes. Nothing but the standard library is needed, and obp need not be installed.
"""

import csv
import io
import re
import sys
import zipfile
from collections import Counter
from pathlib import Path

CAMPAIGNS, POLICIES = ("all", "men", "women"), ("random", "bts")
LICENCE = "obp-0.4.1.dist-info/LICENSE"


def rows(wheel, campaign, policy):
    """One log, row by row, as dictionaries of strings."""
    text = wheel.read(f"obp/dataset/obd/{policy}/{campaign}/{campaign}.csv").decode("utf-8")
    return csv.DictReader(io.StringIO(text))


def counts(wheel):
    """(campaign, policy, item, position, times shown, clicks) of each place that was ever shown."""
    for campaign in CAMPAIGNS:
        for policy in POLICIES:
            shown, clicks = Counter(), Counter()
            for row in rows(wheel, campaign, policy):
                place = int(row["item_id"]), int(row["position"])
                shown[place] += 1
                clicks[place] += int(row["click"])
            yield from ((campaign, policy, *place, shown[place], clicks[place]) for place in sorted(shown))


def priors(wheel):
    """(campaign, item, alpha, beta): the Beta distributions that Thompson sampling began with."""
    text = wheel.read("obp/policy/conf/prior_bts.yaml").decode("utf-8")
    found = {}
    for line in text.splitlines():
        if name := re.fullmatch(r"(\w+):", line):
            campaign = found[name[1]] = {}
        elif name := re.fullmatch(r"  (alpha|beta):", line):
            values = campaign[name[1]] = []
        elif line.strip():
            values.append(re.fullmatch(r" +- (\d+)\.0", line)[1])  # all are whole numbers
    for name in CAMPAIGNS:
        pairs = zip(found[name]["alpha"], found[name]["beta"], strict=True)
        yield from ((name, item, *pair) for item, pair in enumerate(pairs))


def table(header, lines):
    return "".join(",".join(map(str, line)) + "\n" for line in (header, *lines)).encode("ascii")


def extract(path):
    """The bytes of each file that is made from the wheel at `path`, by name."""
    with zipfile.ZipFile(path) as wheel:
        return {
            "counts.csv": table(("campaign", "policy", "item", "position", "shown", "clicks"), counts(wheel)),
            "priors.csv": table(("campaign", "item", "alpha", "beta"), priors(wheel)),
            "LICENSE": wheel.read(LICENCE).replace(b"\r\n", b"\n"),
        }


if __name__ == "__main__":
    for name, content in extract(sys.argv[1]).items():
        Path(sys.argv[2], name).write_bytes(content)
