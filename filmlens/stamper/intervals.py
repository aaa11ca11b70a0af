"""Sets of time intervals as sorted arrays: union, intersection, difference and length (method, section 1: Evaluation).

An interval set is a float array (n, 2) of seconds, half open, sorted and disjoint. Every function takes intervals in
any order, overlapping or not, so that no second is ever counted twice.
"""

import numpy as np


def union(intervals) -> np.ndarray:
    """Merge intervals, seconds of shape (n, 2), that overlap or touch; empty ones vanish.

    >>> union([[5, 9], [0, 2], [8, 12], [2, 3]])
    array([[ 0.,  3.],
           [ 5., 12.]])
    """
    rows = np.asarray(intervals, float).reshape(-1, 2)
    rows = rows[rows[:, 1] > rows[:, 0]]
    if not len(rows):
        return rows
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    reach = np.maximum.accumulate(rows[:, 1])
    first = np.concatenate([[True], rows[1:, 0] > reach[:-1]])
    last = np.concatenate([first[1:], [True]])
    return np.column_stack([rows[first, 0], reach[last]])


def intersection(a, b) -> np.ndarray:
    """The seconds that are in both sets.

    >>> intersection([[0, 10]], [[-1, 2], [4, 5], [9, 20]])
    array([[ 0.,  2.],
           [ 4.,  5.],
           [ 9., 10.]])
    """
    return _combine(a, b, lambda in_a, in_b: in_a & in_b)


def difference(a, b) -> np.ndarray:
    """Seconds of `a` that are not in `b`.

    >>> difference([[0, 10]], [[2, 4], [9, 20]])
    array([[0., 2.],
           [4., 9.]])
    """
    return _combine(a, b, lambda in_a, in_b: in_a & ~in_b)


def length(intervals) -> float:
    """Total length of the union (s).

    >>> length([[0, 4], [3, 6]])
    6.0
    """
    rows = union(intervals)
    return float((rows[:, 1] - rows[:, 0]).sum())


def _combine(a, b, keep) -> np.ndarray:
    a, b = union(a), union(b)
    cuts = np.unique(np.concatenate([a.ravel(), b.ravel()]))
    if len(cuts) < 2:
        return np.zeros((0, 2))
    inside = keep(_inside(a, cuts[:-1]), _inside(b, cuts[:-1]))
    return union(np.column_stack([cuts[:-1], cuts[1:]])[inside])


def _inside(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Whether each time lies in a disjoint, sorted set; its boundaries alternate between in and out."""
    return np.searchsorted(rows.ravel(), times, side="right") % 2 == 1
