"""Whether there are enough films for a claim, and the smallest effect that a test would detect.

One rule for every page: a comparison with fewer than ten films on either side is shown in numbers only, without p,
interval, verdict or sentence. Above, what was not found is shown with the smallest effect that would have been.
"""

from scipy.special import ndtr, ndtri  # of the normal distribution; scipy.stats takes a second to load

#: Films that each side of a comparison must have.
LEAST = 10
FEW = "too few films"


def enough(*films: int) -> bool:
    """Whether every group of films in a comparison has at least `LEAST`.

    >>> enough(11, 99), enough(4, 106), enough()
    (True, False, True)
    """
    return all(n >= LEAST for n in films)


def few(*films: int) -> str:
    """What stands in place of p, interval and verdict where films are not `enough`.

    >>> few(4, 32), few(3)
    ('too few films: 4 against 32, at least 10 needed', 'too few films: 3, at least 10 needed')
    """
    return f"{FEW}: {' against '.join(map(str, films))}, at least {LEAST} needed"


def detectable(deviation: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest effect that a two-sided test at `alpha` would have found with this power.

    `deviation` is that of the estimate, such as of its permutations or bootstrap draws; `alpha` the level as corrected.

    >>> round(detectable(1.0), 2), round(detectable(1.0, alpha=0.01 / 6), 2)
    (2.8, 3.99)
    """
    return float((ndtri(power) - ndtri(alpha / 2)) * deviation)


def power_of_similar(deviation: float, margin: float, *, level: float = 0.95) -> float:
    """Probability that the whole interval lies within `margin` when there is no difference at all.

    >>> round(power_of_similar(0.01, 0.05), 2), power_of_similar(0.03, 0.05)
    (1.0, 0.0)
    """
    if deviation == 0:
        return 1.0
    return float(max(0.0, 2 * ndtr(margin / deviation + ndtri((1 - level) / 2)) - 1))
