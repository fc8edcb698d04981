"""What is asked of every check: that it passes an answer, or that it refuses one with its own sentence, in one line."""


def passes(check, answer):
    """The verdict on a right answer."""
    verdict = check(answer)
    assert verdict.passed and verdict, verdict
    assert verdict.message.startswith("Right") and repr(verdict).startswith("✓ Right"), verdict
    return verdict


def refuses(check, answer, part):
    """The verdict on a wrong answer: one line that ends as a sentence does, and holds `part`."""
    verdict = check(answer)
    assert not verdict.passed and not verdict and verdict.attempted, verdict
    assert part in verdict.message, verdict
    assert repr(verdict) == str(verdict) == f"✗ Not yet. {verdict.message}" and "\n" not in verdict.message
    assert "Traceback" not in verdict.message and verdict.message.endswith((".", "!", ")"))
    return verdict


def each_with_its_number(answers):
    """(check, number) for each answer of each check: names for parametrised tests."""
    return [(check, i) for check in answers for i in range(len(answers[check]))]


def named_alone(check, mistakes):
    """Each mistake of a list gets its own sentence: two that a check's cases cannot tell apart would share one."""
    for sentence, mistake in mistakes:
        assert check(mistake).message == sentence
