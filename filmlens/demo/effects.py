"""What is planted: the genres of the films, and the effect of a genre on its music and its pictures.

Every genre has at least twelve films, so that each of its tables can say something; the study's own imbalance (Horror
in a tenth of 110 films) would leave Horror four. The effects on the pictures follow what the study reports (Table 5);
those on the music are commonplaces, strong enough to be found in 36 films, weak enough to overlap.
"""

#: The effect of a genre on each descriptor of its music, in the units of `synth`.
MUSIC_EFFECTS = {
    #          tempo mode register rough bright dynamics percussion sustain warmth edge
    "Action": (1.5, -0.3, -0.4, 0.7, 0.4, 1.7, 1.8, -0.4, -0.2, 1.2),
    "Comedy": (0.8, 1.6, 1.4, -0.6, 0.4, -0.2, 0.2, -1.9, -0.6, 0.8),
    "Drama": (-1.4, -0.9, -0.3, -0.5, -1.6, -1.6, -1.4, 0.2, 0.6, -0.5),
    "Horror": (-0.5, -1.4, -1.2, 2.5, 0.0, 0.2, -0.6, 0.8, -1.6, -0.8),
    "Romance": (-0.6, 1.6, 1.1, -0.9, -0.4, -0.3, -1.2, 1.8, 1.6, 0.2),
    "Sci-Fi": (0.0, -0.6, -1.1, 0.2, 2.2, 0.3, 0.1, 1.2, -0.2, -1.6),
}
#: The effect of a genre on the brightness and the contrast of its pictures.
PICTURE_EFFECTS = {
    "Action": (0.0, 0.2),
    "Comedy": (1.1, 0.9),
    "Drama": (-0.3, -0.4),
    "Horror": (-1.8, -1.8),
    "Romance": (0.9, 0.7),
    "Sci-Fi": (-0.3, 0.9),
}
#: Standard deviations around the effects: of a film, of a track, of a composer.
NOISE = {"film": 0.20, "track": 0.40, "composer": 0.15}
#: Share of the main genre in a track's style; the film's other genres share the rest.
MAIN_SHARE = 0.7

#: Genres of thirty-six films: Action 13, the others 12 each; six with a single one; 27 share theirs with another film.
#: The first six films hold every genre, the first eight hold every genre twice.
TAGS = tuple(
    tuple(tags.split("|"))
    for tags in (
        "Action|Sci-Fi, Comedy|Romance, Drama, Horror, Action, Action|Drama|Romance, Action|Comedy, "
        "Horror|Sci-Fi, Horror, Romance|Sci-Fi, Drama|Romance, Drama|Horror, Action|Sci-Fi, "
        "Action|Comedy|Romance, Comedy|Romance, Comedy|Drama, Action|Horror, Comedy|Romance|Sci-Fi, "
        "Action|Comedy|Romance, Comedy|Horror, Comedy|Sci-Fi, Action|Horror, Comedy|Romance, "
        "Comedy|Romance|Sci-Fi, Action|Drama|Horror, Comedy|Sci-Fi, Action|Horror, Action|Sci-Fi, "
        "Romance|Sci-Fi, Drama|Horror, Drama|Sci-Fi, Horror, Drama, Drama|Romance, Drama|Horror, "
        "Action|Drama|Sci-Fi"
    ).split(", ")
)
