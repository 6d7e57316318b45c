"""Words that are not in the vocabulary: composed of their n-grams wherever a word is asked for."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commandline import complaint, run
from some_subwords import NOWHERE, OTHERS, WORDS, some_subwords
from test_architecture import imported_by
from test_hostile_files import Arrays, arrays, write
from test_model_file import by_the_book
from test_subword_ngrams import plain

import hsw2v
from hsw2v.corpus.subwords import NGrams, Subwords
from hsw2v.errors import ModelFileError, UnknownWordError, UsageError
from hsw2v.model.subwords import SubwordVectors, composed, own_rows
from hsw2v.query.neighbours import unit_rows


@pytest.fixture(scope="module")
def model() -> hsw2v.Model:
    return some_subwords()


def mean_of_ngrams(model: hsw2v.Model, word: str) -> np.ndarray:
    """The definition, in plain Python: the mean over all n-grams, zeros for those without a row."""
    subwords = model.subwords
    assert subwords is not None
    row_of = {int(bucket): row for row, bucket in enumerate(subwords.buckets)}
    rows = [
        subwords.vectors[row_of[one]] if one in row_of else np.zeros(model.dim)
        for one in plain(word, subwords.settings)
    ]
    return np.mean(rows, axis=0, dtype=np.float64)


@pytest.mark.parametrize("word", OTHERS)
def test_a_word_of_its_ngrams_is_their_mean(model: hsw2v.Model, word: str) -> None:
    assert word not in model
    np.testing.assert_allclose(model[word], mean_of_ngrams(model, word), rtol=1e-5, atol=1e-7)
    assert model[word].dtype == np.float32
    assert not model[word].flags.writeable


def test_words_of_the_vocabulary_have_the_vectors_that_they_have(model: hsw2v.Model) -> None:
    found = model.vectors_of(["wort7", "größer", "das", "größer"])
    np.testing.assert_array_equal(found[[0, 2]], model.vectors[model.rows(["wort7", "das"])])
    np.testing.assert_array_equal(found[1], model["größer"])
    np.testing.assert_array_equal(found[1], found[3])
    assert model.vectors_of([]).shape == (0, 7)


def test_own_rows_and_vectors_are_made_of_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hsw2v.model.subwords._WORDS_AT_ONCE", 11)
    model = some_subwords()
    subwords = model.subwords
    assert subwords is not None
    ngrams = subwords.ngrams(model.vocabulary)
    own = own_rows(model.vectors, ngrams, subwords)
    np.testing.assert_array_equal(own[:3], model.vectors[:3])
    for place, word in enumerate(WORDS[3:20], 3):
        row_of = {int(bucket): row for row, bucket in enumerate(subwords.buckets)}
        rows = [row_of[one] for one in plain(word, subwords.settings)]
        mean = (own[place] + subwords.vectors[rows].sum(axis=0)) / (1 + len(rows))
        np.testing.assert_allclose(mean, model.vectors[place], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(composed(own, ngrams, subwords), model.vectors, atol=1e-6)


def test_buckets_without_rows_count_as_zeros() -> None:
    settings = Subwords(3, 3, 1000)
    buckets = settings.ngrams_of(["ab"]).buckets[:1]
    some = SubwordVectors(settings, buckets, np.full((1, 2), 6, np.float32))
    vectors, known = some.compose(["ab", "q", ""])
    assert vectors.tolist() == [[3, 3], [0, 0], [0, 0]]
    assert known.tolist() == [1, 0, 0]
    none = SubwordVectors(settings, buckets[:0], np.zeros((0, 2), np.float32))
    assert none.compose(["ab"])[1].tolist() == [0]
    sums, counts = none.sums(NGrams(np.zeros(1, np.int64), buckets[:0]))
    assert (sums.shape, counts.shape) == ((0, 2), (0,))


def test_a_word_without_an_ngram_that_has_a_row_is_unknown(model: hsw2v.Model) -> None:
    with pytest.raises(UnknownWordError, match=f"without an n-gram that has a vector: '{NOWHERE}'"):
        model.vector(NOWHERE)
    with pytest.raises(UnknownWordError, match=NOWHERE) as error:
        model.similar(["größer", NOWHERE])
    assert "größer" not in str(error.value)
    with pytest.raises(UnknownWordError):
        model.vector("\udcff")
    assert model.known(["das", "größer", NOWHERE]) == {"das", "größer"}


def test_neighbours_of_a_composed_word_are_those_of_its_vector(model: hsw2v.Model) -> None:
    found = model.similar("größer", 5)
    assert found == model.similar(model["größer"], 5)
    batch = model.similar_batch(["das", "größer"], 5)
    assert [[word for word, _ in one] for one in batch] == [
        [word for word, _ in one] for one in (model.similar("das", 5), found)
    ]
    assert len(model.similar("größer", 1000)) == len(model)
    assert len(model.similar(["größer", "das"], 1000)) == len(model) - 1
    both = unit_rows(model.vectors_of(["größer", "das"])).mean(axis=0)
    near = [word for word, _ in model.similar(both, 6) if word != "das"]
    assert [word for word, _ in model.similar(["größer", "das"], 5)] == near[:5]


@pytest.mark.parametrize("method", ["cosadd", "cosmul"])
def test_analogies_are_answered_with_composed_words(model: hsw2v.Model, method: str) -> None:
    unit = unit_rows(model.vectors)
    a, b, c = unit_rows(model.vectors_of(["das", "größer", "wörtlich"]))
    found = model.analogy("das", "größer", "wörtlich", 3, method)
    if method == "cosadd":
        scores = unit @ unit_rows((b - a + c)[None])[0]
    else:
        cosines = [(unit @ one + 1) / 2 for one in (a, b, c)]
        scores = cosines[1] * cosines[2] / (cosines[0] + 0.001)
    scores[0] = -1
    best = np.argsort(-scores)[:3]
    assert [word for word, _ in found] == [WORDS[one] for one in best]
    np.testing.assert_allclose([score for _, score in found], scores[best], rtol=1e-5)


def test_similarity_and_the_odd_one_out(model: hsw2v.Model) -> None:
    a, b = unit_rows(model.vectors_of(["größer", "das"]))
    assert model.similarity("größer", "das") == pytest.approx(float(a @ b))
    words = ["größer", "größe", "wort1"]
    units = unit_rows(model.vectors_of(words))
    least = int(np.argmin(units @ units.mean(axis=0)))
    assert model.odd_one_out(words) == words[least]


def test_pairs_with_composed_words_count(model: hsw2v.Model, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    rows = [("das", "wort1"), ("größer", "wort2"), ("WORTLOS", "wort3"), (NOWHERE, "das")]
    pairs.write_text("".join(f"{a}\t{b}\t{at}\n" for at, (a, b) in enumerate(rows)))
    (found,) = model.evaluate(pairs).pairs
    assert (found.covered, found.pairs, found.composed) == (3, 4, 2)
    # Capitals have no n-grams here: the word is looked up in lower case.
    cosines = [model.similarity(a.replace("WORTLOS", "wortlos"), b) for a, b in rows[:3]]
    expected = np.corrcoef(np.argsort(np.argsort(cosines)), range(3))[0, 1]
    assert found.spearman == pytest.approx(expected)
    printed = run("evaluate", saved(model, tmp_path), "--pairs", pairs).stdout
    assert "3 of 4, 2 composed" in printed


def test_analogies_take_composed_words_where_all_words_count(
    model: hsw2v.Model, tmp_path: Path
) -> None:
    (answer, _), *_ = model.analogy("das", "größer", "wörtlich", 1)
    questions = tmp_path / "questions.txt"
    questions.write_text(
        f"das größer wörtlich {answer}\ndas wort1 wort2 größer\ndas wort1 wort2 wort3\n"
    )
    (found,) = model.evaluate(analogies=questions, restrict=0).analogies
    assert (found.total.covered, found.total.composed, found.total.correct) == (2, 1, 1)
    (few,) = model.evaluate(analogies=questions, restrict=100).analogies
    assert (few.total.covered, few.total.composed) == (1, 0)
    (more,) = model.evaluate(analogies=questions, restrict=10_000).analogies
    assert more.total == found.total


@pytest.mark.parametrize("batch_norm", [False, True])
def test_contexts_may_hold_composed_words(batch_norm: bool) -> None:
    model = some_subwords(loss="hs", batch_norm=batch_norm, model="cbow")
    listed = model.distribution(["größer", "das"])
    assert listed.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(model.distribution(f"größer _ das {NOWHERE}"), listed)
    assert not np.allclose(model.distribution(["das"]), listed)
    # The vector of the vocabulary's word in place of one that is composed of the same numbers.
    both = hsw2v.Model(
        model.vocabulary,
        np.concatenate((model["größer"][None], model.vectors[1:])),
        model.output,
        model.tree,
        model.config,
        batch_norm=model.batch_norm,
    )
    np.testing.assert_allclose(both.distribution(["das"]), model.distribution(["größer"]))
    with pytest.raises(UnknownWordError, match=NOWHERE):
        model.predict([NOWHERE])
    with pytest.raises(UnknownWordError):
        model.log_prob("größer", ["das"])


# The model file.


def saved(model: hsw2v.Model, folder: Path) -> Path:
    path = folder / "m.safetensors"
    model.save(path)
    return path


def test_a_file_keeps_the_ngrams(model: hsw2v.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    found = hsw2v.load(path)
    assert found.subwords is not None
    assert model.subwords is not None
    assert found.subwords.settings == model.subwords.settings
    assert found.subwords.whole_words == 3
    np.testing.assert_array_equal(found.subwords.buckets, model.subwords.buckets)
    np.testing.assert_array_equal(found.subwords.vectors, model.subwords.vectors)
    np.testing.assert_array_equal(found.vectors_of(OTHERS), model.vectors_of(OTHERS))
    found.save(tmp_path / "again")
    assert path.read_bytes() == (tmp_path / "again").read_bytes()


def test_the_file_is_what_the_specification_says(tmp_path: Path) -> None:
    settings = Subwords(2, 3, 50)
    vectors = np.arange(6, dtype=np.float32).reshape(3, 2)
    subwords = SubwordVectors(settings, np.array([3, 7, 49], np.int32), vectors, whole_words=1)
    plain = hsw2v.load(write(tmp_path / "plain", arrays()))
    model = hsw2v.Model(
        plain.vocabulary, plain.vectors, plain.output, plain.tree, subwords=subwords
    )
    numbers = np.array([2, 3, 50, 1], "<i8")
    tensors = {
        "counts": ("I64", [3], plain.vocabulary.counts.tobytes()),
        "ngram_settings": ("I64", [4], numbers.tobytes()),
        "word_offsets": ("I64", [4], plain.vocabulary.offsets.tobytes()),
        "ngram_buckets": ("I32", [3], struct.pack("<3i", 3, 7, 49)),
        "ngrams": ("F32", [3, 2], vectors.tobytes()),
        "nodes": ("F32", [2, 2], np.ones((2, 2), "<f4").tobytes()),
        "tree": ("I32", [2, 2], struct.pack("<4i", -1, 1, -2, -3)),
        "vectors": ("F32", [3, 2], np.ones((3, 2), "<f4").tobytes()),
        "words": ("U8", [3], b"abc"),
    }
    tensors = dict(sorted(tensors.items(), key=lambda one: (one[1][0] == "U8", one[1][0] != "I64")))
    model.save(tmp_path / "m")
    expected = by_the_book(tensors, config="{}", info="{}")
    assert len((tmp_path / "m").read_bytes()) == len(expected)
    (tmp_path / "book").write_bytes(expected)
    found = hsw2v.load(tmp_path / "book").subwords
    assert found is not None
    assert (found.settings, found.whole_words, len(found)) == (settings, 1, 3)


def test_older_readers_read_such_a_file(model: hsw2v.Model, tmp_path: Path) -> None:
    """They pass over tensors that they do not know, and words have the same vectors."""
    assert b'"format_version":"1"' in saved(model, tmp_path).read_bytes().replace(b" ", b"")


def test_ngrams_are_read_when_they_are_needed(model: hsw2v.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    content = bytearray(path.read_bytes())
    assert model.subwords is not None
    content[content.index(model.subwords.vectors.tobytes())] ^= 1
    path.write_bytes(content)
    found = hsw2v.load(path)
    assert found.similar("das") == model.similar("das")
    with pytest.raises(ModelFileError, match="tensor 'ngrams'"):
        found.similar("größer")


def ngram_arrays(**changed: np.ndarray) -> Arrays:
    return arrays() | {
        "ngrams": np.ones((3, 2), np.float32),
        "ngram_buckets": np.array([1, 4, 6], np.int32),
        "ngram_settings": np.array([3, 6, 7, 0]),
        **changed,
    }


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ngrams", np.ones((3, 3), np.float32), r"'ngrams' is F32 \[3, 3\]"),
        ("ngrams", np.ones((2, 2), np.float32), "'ngram_buckets' is I32"),
        ("ngrams", np.ones(6, np.float32), "'ngrams' is F32"),
        ("ngrams", np.array(1, np.float32), "'ngrams' is F32"),
        ("ngrams", np.full((3, 2), np.nan, np.float32), "'ngrams' holds"),
        ("ngram_buckets", np.array([1, 4, 4], np.int32), "do not rise"),
        ("ngram_buckets", np.array([-1, 4, 6], np.int32), "do not rise"),
        ("ngram_buckets", np.array([1, 4, 7], np.int32), "do not rise"),
        ("ngram_settings", np.array([3, 6, 7]), "'ngram_settings' is I64"),
        ("ngram_settings", np.array([0, 6, 7, 0]), "'ngram_settings' are none"),
        ("ngram_settings", np.array([4, 3, 7, 0]), "'ngram_settings' are none"),
        ("ngram_settings", np.array([3, 1 << 40, 7, 0]), "'ngram_settings' are none"),
        ("ngram_settings", np.array([3, 6, 0, 0]), "'ngram_settings' are none"),
        ("ngram_settings", np.array([3, 6, 1 << 31, 0]), "'ngram_settings' are none"),
        ("ngram_settings", np.array([3, 6, 7, -1]), "'ngram_settings' are none"),
    ],
)
def test_ngrams_of_a_file_that_are_none_are_refused(
    tmp_path: Path, name: str, value: np.ndarray, said: str
) -> None:
    path = write(tmp_path / "m", ngram_arrays(**{name: value}))
    with pytest.raises(ModelFileError, match=said):
        hsw2v.load(path).vector("abcdef")


@pytest.mark.parametrize("name", ["ngram_buckets", "ngram_settings"])
def test_ngrams_without_the_rest_are_refused(tmp_path: Path, name: str) -> None:
    tensors = ngram_arrays()
    del tensors[name]
    with pytest.raises(ModelFileError, match=f"without '{name}'"):
        hsw2v.load(write(tmp_path / "m", tensors))


def test_every_ngram_of_a_long_word_is_found(tmp_path: Path) -> None:
    model = hsw2v.load(write(tmp_path / "m", ngram_arrays()))
    np.testing.assert_allclose(model["a" * 100_000], model["a" * 100_000])
    longest = ngram_arrays(ngram_settings=np.array([1, 1000, 7, 1 << 60]))
    assert hsw2v.load(write(tmp_path / "l", longest)).vector("abc").shape == (2,)


@pytest.mark.parametrize("seed", range(2))
def test_mutants_are_refused_or_are_models(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mutations: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda flat: flat[: rng.integers(len(flat))],
        lambda flat: rng.permutation(flat),
        lambda flat: flat * rng.integers(-3, 3),
    ]
    refused = 0
    for number in range(60):
        tensors = ngram_arrays()
        name = ("ngrams", "ngram_buckets", "ngram_settings")[rng.integers(3)]
        array = tensors[name]
        changed = mutations[rng.integers(3)](array.reshape(-1)).astype(array.dtype)
        tensors[name] = changed.reshape(array.shape if changed.size == array.size else -1)
        try:
            hsw2v.load(write(tmp_path / f"{number}", tensors)).similar("abcdef")
        except (ModelFileError, UnknownWordError):
            refused += 1
    assert refused > 15


def test_numbers_that_are_not_finite_are_not_saved(model: hsw2v.Model, tmp_path: Path) -> None:
    assert model.subwords is not None
    vectors = np.full_like(model.subwords.vectors, np.inf)
    wrong = SubwordVectors(model.subwords.settings, model.subwords.buckets, vectors)
    with pytest.raises(UsageError, match="not finite"):
        hsw2v.Model(model.vocabulary, model.vectors, subwords=wrong).save(tmp_path / "m")


def test_other_formats_have_the_vectors_of_words_with_ngrams(
    model: hsw2v.Model, tmp_path: Path
) -> None:
    model.export(tmp_path / "m.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "m.npy"), model.vectors)


# The command line.


def test_the_command_line_says_which_words_are_composed(model: hsw2v.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    note = "hsw2v: not in the vocabulary, composed of n-grams: 'größer'\n"
    for line in (
        ("similar", path, "größer"),
        ("similar", path, "das", "größer", "größer"),
        ("similarity", path, "größer", "das"),
        ("analogy", path, "das", "größer", "wort1"),
        ("odd-one-out", path, "das", "größer", "wort1"),
        ("vector", path, "das", "größer"),
        ("predict", path, "das _ größer", "--normalize-exactly"),
    ):
        assert run(*line).stderr == note
    assert run("similar", path, "das").stderr == ""
    printed = run("vector", path, "größer").stdout.split()
    assert printed == ["größer", *map(str, model["größer"])]
    assert NOWHERE in complaint("similar", path, NOWHERE, code=11)


def test_json_has_the_composed_words(model: hsw2v.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    done = run("similar", path, "größer", "das", "--json")
    assert done.stderr == ""
    assert json.loads(done.stdout)["composed"] == ["größer"]
    assert "composed" not in json.loads(run("similar", path, "das", "--json").stdout)
    numbers = json.loads(run("vector", path, "größer", "--json").stdout)["größer"]
    np.testing.assert_array_equal(np.array(numbers, np.float32), model["größer"])


def test_lines_of_words_are_answered_whether_they_are_in_the_vocabulary_or_not(
    model: hsw2v.Model, tmp_path: Path
) -> None:
    path = saved(model, tmp_path)
    lines = f"das\ngrößer\n{NOWHERE}\n"
    done = run("similar", path, "-", "-k", 1, stdin=lines, code=11)
    near = [model.similar(word, 1)[0] for word in ("das", "größer")]
    expected = [
        f"{word}\t{one}\t{score:.4f}"
        for word, (one, score) in zip(("das", "größer"), near, strict=True)
    ]
    assert done.stdout.splitlines() == expected
    assert "composed of n-grams: 'größer'" in done.stderr
    assert f"not in the vocabulary: '{NOWHERE}'" in done.stderr
    found = run("similar", path, "-", "--json", stdin=lines, code=11)
    records = [json.loads(line) for line in found.stdout.splitlines()]
    assert [one.get("composed") for one in records] == [None, ["größer"], None]


def test_info_and_verify_tell_of_ngrams(model: hsw2v.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    assert model.subwords is not None
    rows = len(model.subwords)
    facts = json.loads(run("info", path, "--json").stdout)
    assert facts["subwords"] == {"lengths": "3-5", "ngrams": rows}
    assert f"{rows:,} of 500,000, rising" in run("verify", path).stdout


def test_asking_for_composed_words_never_imports_numba(model: hsw2v.Model, tmp_path: Path) -> None:
    path = saved(model, tmp_path)
    code = f"""
import hsw2v
from hsw2v.cli.program import program
for line in (
    "similar {path} größer", "vector {path} größer", "info {path}",
    "export {path} {tmp_path}/m.bin --format fasttext", "similar {tmp_path}/m.bin größer",
    "predict {path} _ größer --normalize-exactly",
):
    program.main(line.split(), standalone_mode=False)
"""
    assert imported_by(code).isdisjoint({"numba", "llvmlite", "tqdm"})
