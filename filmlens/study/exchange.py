"""One film before and after the values of a feature group are exchanged: what importance (Fig 3) is a mean of."""

import numpy as np
import pandas as pd

from filmlens.genre import CrossValidation
from filmlens.stages import of_corpus
from filmlens.study.study import Study


def one_exchanged(study: Study, model: CrossValidation, group: str) -> tuple[str, pd.DataFrame]:
    """The first film with a group's values from the next film's cues, predicted by the model held out of it.

    The model is of the study's MIR descriptors, the group one of Fig 3, such as "MFCC". Gives the film_id and a table:
    genre, label (whether the film has it), probability before, after.
    """
    bags = of_corpus.bags_like(model, study.table("features", features=study.descriptors))
    columns = of_corpus.groups_of(bags, "MFCC").get(group, [])
    changed = [bag.copy() for bag in bags]
    film, giver = np.flatnonzero(bags.sizes)[:2]
    rows = np.arange(len(changed[film])) % len(changed[giver])
    changed[film][:, columns] = changed[giver][rows][:, columns]
    before, after = (model.predict(some)[film] for some in (list(bags), changed))
    found = {"genre": model.genres, "label": model.labels[film].astype(bool), "before": before, "after": after}
    return bags.film_ids[film], pd.DataFrame(found)
