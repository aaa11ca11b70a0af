"""The tags of musicnn, in the order of its outputs, as spelt in its training data.

MagnaTagATune's were typed by players of a game who heard half a minute; the Million Song Dataset's by listeners of
Last.fm until about 2010.
"""

from __future__ import annotations

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

#: Tags of the network trained on MagnaTagATune ("mtt") and on the Million Song Dataset ("msd").
LABELS = {"mtt": tuple(_MTT.split(", ")), "msd": tuple(_MSD.split(", "))}
