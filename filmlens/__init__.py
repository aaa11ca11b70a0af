"""FilmLens: how music characterizes genre in film, measured, learnt, explained and heard.

An implementation of Ma, Greer, Knox and Narayanan, "A computational lens into how music
characterizes genre in film", PLOS ONE 2021, doi 10.1371/journal.pone.0249957.
"""

__version__ = "0.1.0"
