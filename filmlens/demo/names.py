"""Invented names for the synthetic corpus: titles, composers and tracks, some with an ampersand or an accent.

They are there to be escaped, sorted and abbreviated as the names of a real collection are.
"""

import numpy as np

_FIRST = (
    "Amber Velvet Hollow Paper Copper Silent Crooked Gilded Distant Borrowed Saffron Winter Broken Glass Marble "
    "Restless Painted Seventh Drowned Electric Lunar Quiet Scarlet Wandering"
).split()
_SECOND = (
    "Meridian Orchard Harbour Lantern Cathedral Compass Parade Garden Letter Engine Staircase Horizon Carousel "
    "Tide Archive Window Piano Satellite Machine Bridge Kitchen Weather Mirror Railway"
).split()
_PLACES = ("Étretat-sur-Lys", "San Águila", "Göllheim", "Val d'Orée", "Nørrevik", "Château Rousselin", "Dunmoor")
_GIVEN = "Ines Tomás Mara Élodie Jürgen Salma Noor Piotr Åsa Ruben Ottilie Kenji Bruna Lev Ayşe Corin".split()
_FAMILY = "Valdés Okafor Lindqvist Marchetti Brandt Ferreira Halloran Sørby Kovač Ashdown Iwata Delacroix".split()
_PIECES = (
    "Overture, The Long Corridor, Élégie, Smoke & Mirrors, A Walk by the River, Nocturne, What She Knew, Arrival, "
    "The Map, Intermezzo, Über den Dächern, First Snow, The Bargain, Crossing, A Small Hope, Lullaby, The Attic, "
    "Salt & Iron, Departure, Reprise"
).split(", ")


def film_titles(count: int, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Titles of `count` films, all different, and the franchise of each ("" for most).

    Every twelfth film continues the one before it.
    """
    pairs = [(a, b) for a in _FIRST for b in _SECOND]
    drawn = [pairs[k] for k in rng.permutation(len(pairs))]
    titles: list[str] = []
    franchises = [""] * count
    for k in range(count):
        a, b = drawn[k % len(drawn)]
        other = drawn[-1 - k % len(drawn)][1]
        place = _PLACES[k // 4 % len(_PLACES)]
        title = (f"The {a} {b}", f"{b} & {other if other != b else 'Dust'}", f"The {b} of {place}", f"{a} {b}")[k % 4]
        if k % 12 == 11:
            title = f"{titles[-1]} II"
            franchises[k - 1 : k + 1] = [titles[-1]] * 2
        titles.append(title if title not in titles else f"{title} ({k + 1})")
    return titles, franchises


def persons(count: int, rng: np.random.Generator) -> list[str]:
    """Names of `count` composers, all different."""
    pairs = [f"{given} {family}" for given in _GIVEN for family in _FAMILY]
    drawn = [pairs[k] for k in rng.permutation(len(pairs))]
    return [drawn[k % len(drawn)] + ("" if k < len(drawn) else f" {k // len(drawn) + 1}") for k in range(count)]


def track_names(count: int, rng: np.random.Generator, *, discs: bool = False) -> list[str]:
    """Names of a soundtrack's tracks, numbered; with `discs` in two folders whose numbers both start at 1.

    >>> track_names(3, np.random.default_rng(0), discs=True)[2][:6]
    'CD2/01'
    """
    drawn = rng.permutation(len(_PIECES))[:count]
    first = (count + 1) // 2 if discs else count
    names = []
    for k, piece in enumerate(drawn):
        disc = f"CD{1 + (k >= first)}/" if discs else ""
        names.append(f"{disc}{k % first + 1:02d} {_PIECES[piece]}")
    return names
