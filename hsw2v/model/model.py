"""The model: its files, and work on all of its words."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from hsw2v.config import known_settings
from hsw2v.errors import UsageError
from hsw2v.events import Listener, ignore
from hsw2v.markup import table
from hsw2v.model.arguments import Path, check_positive
from hsw2v.model.compact_export import export_compact
from hsw2v.model.export import export_vectors, format_for
from hsw2v.model.facts import facts
from hsw2v.model.fasttext_export import export_fasttext
from hsw2v.model.modelfile import write_contents
from hsw2v.model.predictions import Predictions
from hsw2v.progress import with_progress

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

    from hsw2v.maps.wordmap import WordMap
    from hsw2v.model.aligning import Alignment
    from hsw2v.model.indexing import Index
    from hsw2v.model.neighbours import RankedNeighbour
    from hsw2v.model.sentence_files import Written
    from hsw2v.model.sentences import SentenceVectors
    from hsw2v.trees.drawing import Drawing

_OOV = ("oov_counts",)


class Model(Predictions):
    """Words, their vectors, and what they were trained with. Nothing in it changes."""

    def __repr__(self) -> str:
        return f"<hsw2v.Model: {len(self):,} words, {self.dim} dimensions>"

    def _repr_html_(self) -> str:
        return table(("", self.name or "hsw2v.Model"), facts(self))

    def draw_tree(self, depth: int = 4) -> Drawing:
        """Return a drawing of the top of the tree, which a notebook shows; `svg()` is its text.

        Raises:
            UsageError: the model has no tree, or the depth is not from 1 to 10.
        """
        from hsw2v.trees.drawing import Drawing, check_depth

        check_depth(depth)
        if self.tree is None:
            raise UsageError("the model has no tree", hint="train with loss hs")
        return Drawing(self.tree, self.words, self.counts, depth)

    @with_progress
    def neighbours(
        self,
        k: int = 10,
        *,
        top: int | None = None,
        index: Index | None = None,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> Iterator[RankedNeighbour]:
        """Yield the k nearest words of every word, exactly, or as an `index` finds them.

        Each is a named tuple (word, rank, neighbour, similarity). `top` is of so many of the most
        frequent words, questions and answers.

        Raises:
            UsageError: k or `top` is less than 1; the index is that of other vectors.
        """
        from hsw2v.model.neighbours import neighbours

        return neighbours(self, k, top=top, index=index, listener=listener)

    @with_progress
    def write_neighbours(
        self,
        path: Path,
        k: int = 10,
        *,
        top: int | None = None,
        index: Index | None = None,
        force: bool = False,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> int:
        """Write what `neighbours` yields to a file as .parquet, .tsv or .jsonl; return the rows.

        Some words at a time, in bounded memory. An extension such as .gz compresses text.

        Raises:
            UsageError: as `neighbours`, or an extension that tells no format; pyarrow is not
                installed (`hsw2v[parquet]`).
            OutputExistsError, OutputError, DiskFullError
        """
        from hsw2v.model.neighbours import write_neighbours

        return write_neighbours(
            self, os.fspath(path), k, top=top, index=index, force=force, listener=listener
        )

    @with_progress
    def build_index(
        self,
        *,
        connectivity: int = 16,
        expansion_add: int = 128,
        expansion_search: int = 128,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> Index:
        """Build an index of the words, for models of millions of them: `similar(…, index=index)`.

        It is a graph of near neighbours (HNSW: Malkov & Yashunin 2020) of usearch. More
        `connectivity` and `expansion_add` make a better one, in more time; more `expansion_search`
        finds more of the nearest words, in more time. `save` writes it.

        Raises:
            UsageError: a number is less than 1; usearch is not installed (`hsw2v[index]`).
        """
        from hsw2v.model.indexing import build_index

        return build_index(
            self,
            connectivity=connectivity,
            expansion_add=expansion_add,
            expansion_search=expansion_search,
            listener=listener,
        )

    def load_index(self, path: Path) -> Index:
        """Open an index that was built of this model and saved.

        Raises:
            MissingInputError, ModelFileError: it is missing, or damaged.
            UsageError: it is that of other vectors; usearch is not installed (`hsw2v[index]`).
        """
        from hsw2v.model.indexing import load_index

        return load_index(self, path)

    @with_progress
    def align(
        self,
        other: Model,
        *,
        dictionary: Path | None = None,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> Alignment:
        """Rotate another model into the space of this one: `hsw2v.align(self, other)`."""
        from hsw2v.model.aligning import align

        return align(self, other, dictionary=dictionary, listener=listener)

    @with_progress
    def sentence_vectors(
        self,
        texts: Iterable[str | Sequence[str]],
        *,
        weighting: str = "mean",
        smoothing: float = 0.001,
        component: ArrayLike | None = None,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> SentenceVectors:
        """Return the vectors of texts, or of lists of words: means of the vectors of their words.

        Texts are split as the text of the training was. With the `weighting` "sif" (Arora, Liang &
        Ma 2017) a word whose share of that text is p counts `smoothing` / (`smoothing` + p), and
        the first principal component of all the vectors is removed from them; or else a `component
        (D,)`, such as that of other sentences, which these are to be compared with. The answer
        has `vectors (n, D) float32`, `words (n,)`, the numbers of known words, and `component`.

        Raises:
            UsageError: an unknown weighting, a number out of bounds, or for sif a model without
                counts of words; texts are one string.
        """
        from hsw2v.model.sentences import sentence_vectors

        return sentence_vectors(
            self,
            texts,
            weighting=weighting,
            smoothing=smoothing,
            component=component,
            listener=listener,
        )

    @with_progress
    def write_sentence_vectors(
        self,
        source: Path,
        output: Path,
        *,
        weighting: str = "mean",
        smoothing: float = 0.001,
        component: ArrayLike | None = None,
        force: bool = False,
        listener: Listener = ignore,
        progress: bool = False,
        **settings: Any,
    ) -> Written:
        """Write the vector of every line of a source, or of every record, in bounded memory.

        The source is read as that of the training was; `settings` of the corpus override that:
        `field="text"`, or for vectors of other programs `lowercase=True`, say. The extension of
        the output tells its format: .npy, .txt (numbers apart by blanks) or .parquet. An empty line
        has a vector, too: zeros. The answer tells how many `sentences` there are, and how many are
        `without_words`.

        Raises:
            UsageError: as `sentence_vectors`, an unknown setting, or an extension that tells no
                format.
            MissingInputError, CorruptInputError, EncodingError, EmptyCorpusError: as `hsw2v.train`.
            OutputExistsError, OutputError, DiskFullError
        """
        from hsw2v.model.sentence_files import write_sentence_vectors

        return write_sentence_vectors(
            self,
            os.fspath(source),
            os.fspath(output),
            weighting=weighting,
            smoothing=smoothing,
            component=component,
            force=force,
            listener=listener,
            **settings,
        )

    def save(self, path: Path, *, force: bool = False) -> None:
        """Write the model file; it appears whole or not at all.

        Raises:
            UsageError: a number in it is not finite, or a word is there twice.
            OutputExistsError: it exists already, and `force` is not given.
            OutputError, DiskFullError: it cannot be written.
        """
        write_contents(
            path,
            self.vocabulary,
            self.counts,
            self.vectors,
            self.output,
            self.structure,
            batch_norm=self.batch_norm,
            subwords=self.subwords,
            oov=self.oov if known_settings(self.config, _OOV).vocabulary.oov_counts else None,
            phrases=self.phrases,
            config=self.config,
            info=self.info,
            force=force,
        )

    def export(
        self,
        path: Path,
        *,
        format: str | None = None,
        top: int | None = None,
        normalize: bool = False,
        dtype: str = "float32",
        force: bool = False,
    ) -> list[str]:
        """Write words and vectors for other programs, and return the files written.

        Formats are "text" and "binary" (word2vec's), "npy" (with the words in a file beside it)
        and "fasttext" (a .bin file, with n-grams, and with output vectors of words, or of the nodes
        of the tree huffman, which fastText makes of the counts); by default the extension tells,
        text or one of the former, and an extension such as .gz compresses. `top` writes only so
        many of the most frequent words, `normalize` vectors of length 1, which are none of a mean
        of n-grams. The `dtype` "float16" or "int8" (with a scale for each row) takes a half or a
        quarter of the room, as "npy" or "safetensors", a model file of word vectors alone.

        Raises:
            UsageError: an unknown format, a word that the format cannot hold, or vectors of length
                1 for fastText.
            OutputExistsError: a file exists already, and `force` is not given.
            OutputError, DiskFullError: a file cannot be written.
        """
        if top is not None:
            check_positive("top", top)
        format = format_for(os.fspath(path), format)
        if dtype != "float32" or format == "safetensors":
            vectors = (self.unit_vectors if normalize else self.vectors)[:top]
            return export_compact(
                self, os.fspath(path), vectors, format=format, dtype=dtype, force=force
            )
        if format == "fasttext":
            if normalize:
                raise UsageError(
                    "fastText makes its vectors of n-grams, and not of length 1",
                    hint="leave out normalize, or write another format",
                )
            return export_fasttext(os.fspath(path), self, top=top, force=force)
        vectors = self.unit_vectors if normalize else self.vectors
        return export_vectors(
            os.fspath(path), self.words[:top], vectors[:top], format=format, force=force
        )

    def to_gensim(self) -> KeyedVectors:
        """Return gensim's `KeyedVectors` of the same words, counts and vectors, as copies.

        Of a model with n-grams they are its `FastTextKeyedVectors`, which compose the same vectors
        of other words; they hold a row of every bucket. `hsw2v.from_gensim` goes back.

        Raises:
            UsageError: gensim is not installed (`hsw2v[gensim]`).
            ResourceError: the rows of all buckets do not fit in memory.
        """
        from hsw2v.model.gensim import to_gensim

        return to_gensim(self)

    @with_progress
    def map(
        self,
        *,
        top: int = 20_000,
        k: int = 10,
        branches: Sequence[int] = (8, 32, 128),
        seed: int = 1,
        listener: Listener = ignore,
        progress: bool = False,
    ) -> WordMap:
        """Return a map of the `top` most frequent words: positions, neighbours, branches.

        Positions are by t-SNE (openTSNE), the same for the same `seed`; each word has its
        `k` nearest words of the map with their exact cosines, and its branch of the tree
        where that is cut into so many `branches`. Where the tree is none of meaning (huffman,
        balanced), or there is none, a semantic tree of the vectors is built.

        Raises:
            UsageError: fewer than three words, a number out of its bounds, or openTSNE is not
                installed (`hsw2v[map]`).
        """
        from hsw2v.maps.making import make_map

        kind = self.config.get("training", {}).get("tree")
        tree = None if kind in ("huffman", "balanced") else self.tree
        return make_map(
            self.vocabulary,
            self.vectors,
            tree,
            top=top,
            k=k,
            branches=branches,
            seed=seed,
            name=self.name,
            listener=listener,
        )
