"""The corpora that callers may give: paths and addresses of text, or sentences."""

from __future__ import annotations

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any, cast

from hsw2v.config import PHRASE_SETTINGS, Config, CorpusConfig, no_effect
from hsw2v.corpus.collocations import Write, find_and_write, join_phrases
from hsw2v.corpus.encoded import EncodedCorpus
from hsw2v.corpus.phrases import Phrases, connectors_of
from hsw2v.corpus.stream import Token, encode, encode_sentences
from hsw2v.corpus.vocabulary import Vocabulary
from hsw2v.corpus.words import WordCorpus
from hsw2v.corpus.writing import pass_over, write_joined
from hsw2v.errors import EmptyCorpusError, UsageError, without_credentials
from hsw2v.events import Listener, Notice, ignore
from hsw2v.files import check_writable, expand_sources, stored_size
from hsw2v.progress import with_progress

Path = str | os.PathLike[str]


class EncodedSource(ABC):
    """A source that is no text: it makes the ids by itself."""

    @abstractmethod
    def encode(self, config: CorpusConfig, listener: Listener) -> EncodedCorpus:
        """Return the corpus that it is."""

    @abstractmethod
    def stored_as(self) -> list[tuple[str, int, int]]:
        """Return what `stored_as` returns of the files that it is made of."""


Source = Path | Sequence[Path] | Iterable[Iterable[Token]] | EncodedSource


def is_text(source: Source) -> bool:
    """Tell whether a source is a path or a list of paths, rather than sentences."""
    if isinstance(source, list | tuple):
        return all(isinstance(one, str | os.PathLike) for one in source)
    return isinstance(source, str | os.PathLike)


def names_of(source: Path | Sequence[Path]) -> list[str]:
    """Return the files and addresses that a path or a list of paths names.

    Raises:
        MissingInputError: a path does not exist.
    """
    return expand_sources([source] if isinstance(source, str | os.PathLike) else source)


def stored_as(source: Source) -> list[tuple[str, int, int]]:
    """Return the names of files, their sizes and when they were changed (ns); nothing of sentences.

    Sizes and times are 0 where there are none, and names have no credentials. By this a text
    is known again that was not read.

    Raises:
        MissingInputError: a path does not exist.
    """
    if isinstance(source, EncodedSource):
        return source.stored_as()
    if not is_text(source):
        return []
    names = names_of(cast(Path | Sequence[Path], source))
    found = [(name, os.stat(name) if stored_size(name) is not None else None) for name in names]
    return [
        (name, one.st_size, one.st_mtime_ns) if one else (without_credentials(name), 0, 0)
        for name, one in found
    ]


def encode_source(
    source: Source,
    config: CorpusConfig,
    listener: Listener,
    most_bytes: int | None = None,
    *,
    phrases: Phrases | None = None,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    """Encode a path, a list of paths, or an iterable of sentences, which are lists of tokens.

    Of paths, `most_bytes` bounds what is read, as `stream.encode` says. Phrases are joined where
    the settings ask for it: those given, or else those of the source itself. `spared` are types
    that stay, whatever `max_types` says.

    Raises:
        UsageError: the source is something else.
        EmptyCorpusError: no source is given.
        And what `stream.encode`, `stream.encode_sentences` and `join_phrases` raise.
    """
    if config.phrases and phrases is None:
        # What cannot be read is to be told before the text is.
        connectors_of(config)
    _tell_unused(config, listener)
    encoded = _encoded(source, config, listener, most_bytes, spared)
    return join_phrases(encoded, config, phrases, listener) if config.phrases else encoded


def _tell_unused(config: CorpusConfig, listener: Listener) -> None:
    """Tell of settings of phrases where none are joined, and of records where there are none."""
    usual, unused = CorpusConfig(), []
    if not config.phrases:
        unused = [one for one in PHRASE_SETTINGS if getattr(config, one) != getattr(usual, one)]
    if unused:
        listener(Notice(f"{no_effect(unused)} (phrases 0)"))
    if config.field is None:
        of_records = ("header", "skip_bad_records")
        unused = [one for one in of_records if getattr(config, one) != getattr(usual, one)]
        if unused:
            listener(Notice(f"{no_effect(unused)} (no field)"))


def _encoded(
    source: Source,
    config: CorpusConfig,
    listener: Listener,
    most_bytes: int | None = None,
    spared: Collection[str] = (),
) -> EncodedCorpus:
    if isinstance(source, EncodedSource):
        return source.encode(config, listener)
    if not isinstance(source, Iterable | os.PathLike):
        raise UsageError(f"the source is {source!r}", hint="give a path, paths, or lists of tokens")
    if not is_text(source):
        sentences = cast(Iterable[Iterable[Token]], source)
        return encode_sentences(sentences, config, listener=listener, spared=spared)
    names = cast(Path | Sequence[Path], source)
    if not isinstance(names, str | os.PathLike) and not names:
        raise EmptyCorpusError("no source is given", hint="name at least one")
    return encode(names, config, listener=listener, most_bytes=most_bytes, spared=spared)


@with_progress
def find_phrases(
    source: Source,
    *,
    output: Path | None = None,
    force: bool = False,
    config: Config | None = None,
    listener: Listener = ignore,
    progress: bool = False,
    **settings: Any,
) -> Phrases:
    """Find the phrases of a source, as `hsw2v.train` does with the same settings.

    Settings are those of the corpus by name, over those of `config`: `find_phrases("corpus.txt",
    phrases=2, connector_words="english")`; `phrases`, the number of passes, is 1 if it is not
    given. The answer has a `table` of the phrases, their counts and scores, the highest score
    first, and `join` for sentences that are lists of words. With `output` the text is written there
    with its phrases joined, one sentence a line, compressed by the extension; `-` is standard
    output.

    Raises:
        UsageError: a setting is unknown or out of bounds.
        MissingInputError, CorruptInputError, EncodingError: a source cannot be read, or the file of
            connector words.
        EmptyCorpusError: there is no token.
        OutputExistsError: the output is there, and `force` is not given.
        OutputError, DiskFullError: the output cannot be written, or the encoded corpus cannot be
            written to `cache_dir`.
        ResourceError: there is not enough memory.
    """
    chosen = (config or Config()).replace(**settings).corpus
    if settings.get("phrases") == 0:
        raise UsageError("no phrases are found in 0 passes", hint="give 1 or more")
    if not chosen.phrases:
        chosen = dataclasses.replace(chosen, phrases=1)
    if output is None:
        write: Write = pass_over
    else:
        check_writable(output, force=force, stdout=True)
        write = partial(write_joined, path=output, force=force)
    # What cannot be read is to be told before the text is.
    connectors_of(chosen)
    _tell_unused(chosen, listener)
    return find_and_write(_encoded(source, chosen, listener), chosen, write, listener)


def words_of_source(
    source: Source,
    config: CorpusConfig,
    vocabulary: Vocabulary,
    listener: Listener,
    phrases: Phrases | None = None,
) -> WordCorpus:
    """Encode a source by the settings of another corpus, as words of its vocabulary.

    Its phrases are those of that corpus, if it has some.

    Raises:
        What `encode_source` raises.
    """
    if not is_text(source):
        # Sentences are split already.
        config = dataclasses.replace(config, tokens="space")
    config = dataclasses.replace(config, phrases=0 if phrases is None else len(phrases.passes))
    return WordCorpus.of(encode_source(source, config, listener, phrases=phrases), vocabulary)
