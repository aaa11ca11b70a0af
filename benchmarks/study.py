"""What the study's own data cost: CPU seconds of every model of both profiles on 110 films, and memory.

    filmlens demo twin --release
    filmlens release --file twin --out study-of-twin
    python benchmarks/study.py study-of-twin

A network is trained for a few and for some more epochs, which gives its seconds per epoch and those that do not hang on
epochs; models of cues and films are fitted in a few folds. Both are scaled to the whole and called estimates; `--whole`
names one network that is trained whole beside its estimate.
"""

import argparse
import resource
import time

import numpy as np

from filmlens import genre, stages
from filmlens.corpus import Corpus
from filmlens.genre import crossval
from filmlens.stages import of_corpus

EPOCHS = (2, 8)
FOLDS = 2
SETS = ("mir-released", "vggish-released")


def seconds(function) -> float:
    begun = time.process_time()
    function()
    return time.process_time() - begun


def network(bags, labels, pooling: str, hidden: int, scheme) -> tuple[float, float]:
    """CPU seconds of a cross-validation: those of no epoch, and those of each."""

    def fit(epochs: int) -> float:
        model = genre.BagClassifier(pooling=pooling, hidden=hidden, epochs=epochs)
        return seconds(lambda: genre.cross_validate(model, bags, labels, scheme=scheme))

    few, more = map(fit, EPOCHS)
    each = (more - few) / (EPOCHS[1] - EPOCHS[0])
    return max(0.0, few - EPOCHS[0] * each), each


def other(name: str, bags, labels) -> float:
    """CPU seconds of leaving one film out."""
    model, folds = of_corpus.OTHERS[name](0), len(bags)
    inside = name.startswith("simple")

    def fit() -> None:
        for fold in range(FOLDS):
            crossval._fit_fold(model, bags, labels.to_numpy(), np.arange(folds), 0, fold, 0, inside)

    return seconds(fit) / FOLDS * folds


def memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("--whole", action="store_true", help="Train one network whole, beside its estimate.")
    given = parser.parse_args()
    corpus = Corpus.open(given.corpus)
    labels, sheet = corpus.labels(), stages.read(corpus, "cues")
    paper = quick = 0.0
    print("| features | model | once (s) | epoch (s) | paper, 200 epochs (s) | quick, 60 epochs (s) |")
    print("|---|---|---|---|---|---|")
    for name in SETS:
        bags = of_corpus.bags_of(stages.read(corpus, f"{name}-cues"), sheet, labels)
        truth = labels.loc[list(bags.film_ids)]
        for pooling in genre.POOLINGS:
            for hidden in (64, 128):
                once, each = network(bags, truth, pooling, hidden, crossval.LEAVE_ONE_FILM_OUT)
                whole, short = (once + epochs * each for epochs in (200, 60))
                paper += whole
                quick += short if hidden == 64 else 0
                row = f"| {name} | {pooling} {hidden} | {once:.1f} | {each:.3f} | {whole:.0f} | {short:.0f} |"
                print(row, flush=True)
        for model in of_corpus.OTHERS:
            print(f"| {name} | {model} | {other(model, bags, truth):.1f} | | | |", flush=True)
        if given.whole and name == SETS[0]:
            model = genre.BagClassifier(hidden=64, epochs=60, learning_rate=1e-3)
            took = seconds(lambda model=model, bags=bags, truth=truth: genre.cross_validate(model, bags, truth))
            print(f"| {name} | average 64, trained whole | | | | {took:.0f} |")
    print(f"\nThe 24 networks of the profile paper: {paper / 3600:.2f} CPU hours.")
    print(f"The 12 networks of the profile quick: {quick / 60:.1f} CPU minutes. Memory: {memory():.2f} GB.")
    bags = of_corpus.bags_of(stages.read(corpus, SETS[0]), sheet, labels)
    once, each = network(bags, labels.loc[list(bags.film_ids)], "average", 64, 10)
    print(f"Frame level, ten folds, {SETS[0]}: {once + 60 * each:.0f} s of 60 epochs. Memory: {memory():.2f} GB.")


if __name__ == "__main__":
    main()
