"""Write the files beside this one: small models of fastText, and the vectors that it has of words.

For those who have fastText's package: `python tests/fasttext_files/make.py`.
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

import fasttext

HERE = Path(__file__).parent
ASKED = ["größer", "königlich", "neuwort", "東京都", "x", "wörter", "das", "</s>"]
STEMS = ["größe", "könig", "wort", "東京", "haus", "grün", "fluss", "brücke"]
ENDINGS = ["", "n", "chen", "lich", "es"]


def main() -> None:
    """Train, and write."""
    draw = random.Random(1)
    words = [stem + ending for stem in STEMS for ending in ENDINGS]
    lines = [" ".join(draw.choices(words, k=8)) for _ in range(60)]
    # Each line is about one stem, so that there is something to learn.
    themes = [
        " ".join(stem + ending for ending in draw.choices(ENDINGS, [16, 8, 4, 2, 1], k=8))
        for stem in draw.choices(STEMS, range(9, 1, -1), k=100)
    ]
    (HERE / "themes.txt").write_text("\n".join(themes) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text"
        text.write_text("\n".join(lines) + "\n", encoding="utf-8")
        # With fewer threads, fastText begins with what memory happens to hold.
        shared = {"dim": 10, "epoch": 3, "minCount": 2, "thread": 10, "verbose": 0}
        ngrams = {"minn": 2, "maxn": 4, "bucket": 40}
        for name, settings in {
            "skipgram": {"model": "skipgram", **ngrams},
            "cbow-hs": {"model": "cbow", "loss": "hs", **ngrams},
            "plain": {"model": "skipgram", "minn": 0, "maxn": 0},
        }.items():
            model = fasttext.train_unsupervised(str(text), **shared, **settings)
            model.save_model(str(HERE / f"{name}.bin"))
        known = {**shared, "epoch": 60, "minCount": 1, "t": 1.0, "loss": "hs"}
        for name, settings in {
            "themes-hs": {"model": "skipgram", **ngrams},
            "themes-cbow-hs": {"model": "cbow", "minn": 0, "maxn": 0},
        }.items():
            model = fasttext.train_unsupervised(str(HERE / "themes.txt"), **known, **settings)
            model.save_model(str(HERE / f"{name}.bin"))
        labelled = [f"__label__{one.split()[0]} {one} w{at}" for at, one in enumerate(lines * 5)]
        text.write_text("\n".join(labelled) + "\n", encoding="utf-8")
        shared |= {"minCount": 1, "epoch": 1}
        model = fasttext.train_supervised(str(text), **shared, minn=2, maxn=4, bucket=40)
        model.save_model(str(HERE / "supervised.bin"))
        model.quantize()
        model.save_model(str(HERE / "quantised.ftz"))
        model = fasttext.train_supervised(str(text), **shared, minn=2, maxn=4, bucket=40)
        model.quantize(cutoff=300)
        model.save_model(str(HERE / "pruned.ftz"))
    vectors = {}
    for path in sorted(HERE.glob("*.bin")):
        model = fasttext.load_model(str(path))
        some = [*model.words, *ASKED]
        if path.stem == "supervised":
            some = some[:30] + ASKED
        vectors[path.stem] = {word: [float(str(n)) for n in model[word]] for word in some}
    lines = json.dumps(vectors, ensure_ascii=False).replace("], ", "],\n").replace("}, ", "},\n")
    (HERE / "vectors.json").write_text(lines + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
