"""librosa's nearest functions: which there are, and how far they are."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from filmlens.features.mir import DESCRIPTORS
from filmlens.features.mir.librosa_peer import librosa_distance

GOLDEN = Path(__file__).parent / "golden"


def test_distances_of_noise():
    samples, rate = soundfile.read(GOLDEN / "noise.flac")
    table = librosa_distance(samples, rate)
    assert list(table) == ["descriptor", "librosa function", "r"]
    assert set(table["descriptor"]) == {d.descriptor for d in DESCRIPTORS}
    assert table["r"].dropna().between(-1, 1).all()
    assert table.loc[table["librosa function"] == "", "r"].isna().all()
    r = table.set_index("librosa function")["r"]
    assert r["feature.rms"] > 0.99 > 0.5 > abs(r["feature.mfcc"])
    assert r["feature.mfcc, 133.3-6855 Hz"] > 0.9


@pytest.mark.parametrize("samples", [np.zeros(44100), np.ones(10)], ids=["silence", "ten samples"])
@pytest.mark.filterwarnings("ignore:Trying to estimate tuning from empty:UserWarning:librosa")
def test_sounds_that_do_not_vary_have_no_correlation(samples):
    with np.errstate(all="raise"):
        assert librosa_distance(samples, 44100)["r"].isna().all()
