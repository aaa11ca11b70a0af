"""A table as LaTeX, for papers: significant cells in bold, every character escaped."""

from __future__ import annotations

import pandas as pd

from filmlens.text import latex


def latex_table(text: pd.DataFrame, *, bold: pd.DataFrame | None = None, caption: str = "", label: str = "") -> str:
    """A ``table`` environment with booktabs rules, of `text` as :func:`~filmlens.findings.table5` gives it; `bold` has
    its labels.

    >>> table = pd.DataFrame({"Genre": ["Sci-Fi"], "100 %": ["-0.31"]})
    >>> print(latex_table(table, bold=table == "-0.31").splitlines()[5])
    Sci-Fi & \\textbf{-0.31} \\\\
    """
    rows = []
    for i, cells in enumerate(text.itertuples(index=False)):
        words = [latex(cell) for cell in cells]
        if bold is not None:
            words = [rf"\textbf{{{w}}}" if b else w for w, b in zip(words, bold.iloc[i], strict=True)]
        rows.append(" & ".join(words) + r" \\")
    head = " & ".join(latex(c) for c in text.columns) + r" \\"
    begin = [r"\begin{table}", rf"\begin{{tabular}}{{l{'r' * (text.shape[1] - 1)}}}", r"\toprule", head, r"\midrule"]
    lines = [*begin, *rows, r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\caption{{{latex(caption)}}}"] * bool(caption) + [rf"\label{{{label}}}"] * bool(label)
    return "\n".join([*lines, r"\end{table}"]) + "\n"
