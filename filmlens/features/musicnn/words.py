"""The tags of musicnn, and the same in plain words: synonyms merged, grouped in families, as ranks in the corpus.

MagnaTagATune's tags were typed by players of a game who heard half a minute; the Million Song Dataset's by listeners of
Last.fm until about 2010.
Players typed "vocal", "vocals", "voice" and "singing" for the same thing, so these are one word here: the mean of its
tags. The values are not calibrated and depend on how common a tag is, so a reader is shown ranks.
"""

import pandas as pd

_MTT = (
    "guitar, classical, slow, techno, strings, drums, electronic, rock, fast, piano, ambient, beat, violin, vocal, "
    "synth, female, indian, opera, male, singing, vocals, no vocals, harpsichord, loud, quiet, flute, woman, "
    "male vocal, no vocal, pop, soft, sitar, solo, man, classic, choir, voice, new age, dance, male voice, "
    "female vocal, beats, harp, cello, no voice, weird, country, metal, female voice, choral"
)
_MSD = (
    "rock, pop, alternative, indie, electronic, female vocalists, dance, 00s, alternative rock, jazz, beautiful, "
    "metal, chillout, male vocalists, classic rock, soul, indie rock, Mellow, electronica, 80s, folk, 90s, chill, "
    "instrumental, punk, oldies, blues, hard rock, ambient, acoustic, experimental, female vocalist, guitar, Hip-Hop, "
    "70s, party, country, easy listening, sexy, catchy, funk, electro, heavy metal, Progressive rock, 60s, rnb, "
    "indie pop, sad, House, happy"
)

#: Tags as spelt in the training data, in the order of the outputs: MagnaTagATune ("mtt"), Million Song Dataset ("msd").
LABELS = {"mtt": tuple(_MTT.split(", ")), "msd": tuple(_MSD.split(", "))}

#: Words that several tags say.
SYNONYMS = {
    "voice": ("vocal", "vocals", "voice", "singing"),
    "no voice": ("no vocals", "no vocal", "no voice"),
    "male voice": ("male", "man", "male vocal", "male voice"),
    "female voice": ("female", "woman", "female vocal", "female voice"),
    "choir": ("choir", "choral"),
    "beat": ("beat", "beats"),
    "classical": ("classical", "classic"),
}

#: Families of words, for feature importance.
FAMILIES = {
    family: tuple(words.split(", "))
    for family, words in {
        "instruments": "guitar, strings, violin, cello, piano, harpsichord, harp, flute, sitar, drums, synth, solo",
        "voice": "voice, no voice, male voice, female voice, choir, opera",
        "tempo": "slow, fast, beat",
        "character": "loud, quiet, soft, weird",
        "genre words": "classical, techno, electronic, rock, ambient, indian, pop, new age, dance, country, metal",
    }.items()
}


def column(label: str) -> str:
    """The column of a tag.

    >>> column("no vocals")
    'tag_no_vocals'
    """
    return f"tag_{label.replace(' ', '_')}"


def family_columns() -> dict[str, list[str]]:
    """The columns of all 50 tags by family."""
    return {
        family: [column(tag) for word in words for tag in SYNONYMS.get(word, (word,))]
        for family, words in FAMILIES.items()
    }


def merged(cues: pd.DataFrame, *, voices: bool = True) -> pd.DataFrame:
    """One column per word in place of its tags: film_id, cue and the columns of the words.

    `cues` has film_id, cue and the columns of the tags, such as ``tags-cues``. Without `voices` the voice tags are left
    out: in a film's mix they are about its speech.
    """
    out = cues[["film_id", "cue"]].copy()
    for family, words in FAMILIES.items():
        for word in words if voices or family != "voice" else ():
            out[column(word)] = cues[[column(tag) for tag in SYNONYMS.get(word, (word,))]].mean(axis=1)
    return out


def ranked(cues: pd.DataFrame, *, voices: bool = True) -> pd.DataFrame:
    """`merged`, each word as the rank of its cue among all, 0 (least) to 100 (most)."""
    words = merged(cues, voices=voices).set_index(["film_id", "cue"])
    return (100 * (words.rank() - 1) / (words.notna().sum() - 1).clip(lower=1)).reset_index()


def highest(tags: pd.Series, count: int = 5) -> list[str]:
    """The tags of the highest values, in the words of their training data.

    >>> highest(pd.Series({"tag_piano": 0.8, "tag_solo": 0.3, "tag_rock": 0.1}), 2)
    ['piano', 'solo']
    """
    names = {column(label): label for label in LABELS["mtt"]}
    return [names[name] for name in tags.sort_values(ascending=False).index[:count]]
