"""Files of other programs that are not read here: what they are, and the lines that convert them.

Many are pickles, which run code when they are opened: nothing here does.
"""

from __future__ import annotations

import os
import re
import struct
from typing import NamedTuple

from hsw2v.errors import ModelFileError

_GENSIM = re.compile(rb"gensim\.models\.[\w.]+(?:\x94\x8c.|\n)(\w+)", re.DOTALL)
"""The first class that a pickle of protocol 4, or 2, names."""
_GENSIM_HOMES = {
    "Word2Vec": ("gensim.models", ".wv"),
    "FastText": ("gensim.models", ".wv"),
    "Doc2Vec": ("gensim.models", ".wv"),
    "KeyedVectors": ("gensim.models", ""),
    "FastTextKeyedVectors": ("gensim.models.fasttext", ""),
}
_OLD_TORCH = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_TENSORFLOW = re.compile(r"(.*)\.(?:index|meta|data-\d{5}-of-\d{5})")
_PACKED = {
    b"\x1f\x8b": ("gzip", ".gz"),
    b"BZh": ("bzip2", ".bz2"),
    b"\xfd7zXZ\0": ("xz", ".xz"),
    b"\x28\xb5\x2f\xfd": ("zstd", ".zst"),
}
_TAR = slice(257, 262)
_DOUBLES = struct.Struct("<8d")
_LIKELY = 1e-9, 100.0
"""What the absolute values of numbers of a vector lie between."""


class _Refusal(NamedTuple):
    what: str
    hint: str


def check_folder(source: str) -> None:
    """Refuse the folder of another program by its name.

    Raises:
        ModelFileError: it is one of spaCy or TensorFlow.
    """
    there = set(os.listdir(source))
    if "vocab" in there and there & {"meta.json", "config.cfg"}:
        raise _error(source, _spacy(source))
    if "saved_model.pb" in there:
        what = "is a model that TensorFlow saved"
        raise _error(source, _Refusal(what, _of_tensorflow(f"{source}/variables/variables")))


def check_file(source: str, beginning: bytes) -> None:
    """Refuse a file of another program by its name, from how it begins.

    Raises:
        ModelFileError: it is known.
    """
    refusal = (
        _pickle(source, beginning)
        or _zip(source, beginning)
        or _packed(beginning)
        or _tensorflow(source, beginning)
        or _numbers(beginning)
    )
    if refusal is not None:
        raise _error(source, refusal)


def _error(source: str, refusal: _Refusal) -> ModelFileError:
    return ModelFileError(refusal.what, where=source, hint=refusal.hint)


def _lines(result: str, *lines: str) -> str:
    """Return the hint that lines of Python make a file that is read here."""
    return f"convert it in Python, and name {result}:\n" + "\n".join(f"    {one}" for one in lines)


def _written(result: str, line: str) -> str:
    """Return how Python writes a file of lines, up to those that they are of."""
    return f'pathlib.Path({result!r}).write_text("".join(f"{line}\\n"'


def _with_words(result: str, *lines: str) -> str:
    """Return such a hint for an array, whose words are elsewhere."""
    words = result.removesuffix(".npy") + ".words.txt"
    return _lines(result, *lines) + f"\nand write its words to {words}, one a line, in their order"


def _pickle(source: str, beginning: bytes) -> _Refusal | None:
    if len(beginning) < 2 or beginning[0] != 0x80 or not 2 <= beginning[1] <= 5:
        return None
    if _OLD_TORCH in beginning[:32]:
        return _torch(source)
    if found := _GENSIM.search(beginning):
        return _gensim(source, found[1].decode())
    result = source + ".txt"
    return _Refusal(
        "is a pickle, which could run any code and is never opened here",
        "if you trust it, and it is a dict of words and vectors, "
        + _lines(
            result,
            "import pathlib, pickle; "
            f"vectors = pickle.loads(pathlib.Path({source!r}).read_bytes())",
            _written(result, "{word} {' '.join(map(str, vector))}")
            + " for word, vector in vectors.items()), 'utf-8')",
        ),
    )


def _gensim(source: str, kind: str) -> _Refusal:
    if kind not in _GENSIM_HOMES:
        kind = "KeyedVectors"
    home, vectors = _GENSIM_HOMES[kind]
    result = source + ".bin"
    return _Refusal(
        f"is a {kind} that gensim saved, a pickle, which is never opened here",
        _lines(
            result,
            f"from {home} import {kind}",
            f"{kind}.load({source!r}){vectors}.save_word2vec_format({result!r}, binary=True)",
        ),
    )


def _torch(source: str) -> _Refusal:
    result = source + ".npy"
    return _Refusal(
        "is a file of PyTorch, a pickle, which is never opened here",
        _with_words(
            result,
            f"import numpy, torch; found = torch.load({source!r}, 'cpu', weights_only=True)",
            f"numpy.save({result!r}, found['embedding.weight'].float().numpy())  # or its name",
        ),
    )


def _zip(source: str, beginning: bytes) -> _Refusal | None:
    if not beginning.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    length = int.from_bytes(beginning[26:28], "little")
    first = beginning[30 : 30 + length].decode(errors="replace")
    if first.endswith("data.pkl"):
        return _torch(source)
    if first.endswith(".npy"):
        result = source + ".npy"
        return _Refusal(
            f"is an archive of NumPy, with {first.removesuffix('.npy')!r}",
            _with_words(
                result,
                f"import numpy; found = numpy.load({source!r})",
                f"numpy.save({result!r}, found[{first.removesuffix('.npy')!r}])  # or its name",
            ),
        )
    if source.endswith(".keras"):
        return _keras(source)
    return _Refusal(
        f"is a zip archive, with {first!r}", f"unpack it (unzip {source}), and name a file of it"
    )


def _packed(beginning: bytes) -> _Refusal | None:
    for magic, (program, extension) in _PACKED.items():
        if beginning.startswith(magic):
            return _Refusal(
                f"is compressed by {program}, and its name does not tell",
                f"let it end in {extension}",
            )
    if beginning[_TAR] == b"ustar":
        return _Refusal("is a tar archive", "unpack it (tar xf), and name a file of it")
    return None


def _tensorflow(source: str, beginning: bytes) -> _Refusal | None:
    if beginning.startswith(b"\x89HDF\r\n\x1a\n"):
        return _keras(source)
    if found := _TENSORFLOW.fullmatch(source):
        what = "is part of a checkpoint of TensorFlow"
        return _Refusal(what, _of_tensorflow(found[1]))
    if beginning.startswith(b"model_checkpoint_path:"):
        return _Refusal("names checkpoints of TensorFlow", _of_tensorflow("NAME.ckpt"))
    return None


def _of_tensorflow(source: str) -> str:
    result = source + ".npy"
    return _with_words(
        result,
        f"import numpy, tensorflow as tf; print(tf.train.list_variables({source!r}))",
        f"numpy.save({result!r}, tf.train.load_variable({source!r}, 'NAME'))  # one of them",
    )


def _keras(source: str) -> _Refusal:
    result = source + ".npy"
    return _Refusal(
        "is a model of Keras, or another file of HDF5",
        _with_words(
            result,
            f"import keras, numpy; found = keras.models.load_model({source!r})",
            f"numpy.save({result!r}, found.get_layer('embedding').get_weights()[0])  # or its name",
        ),
    )


def _spacy(source: str) -> _Refusal:
    result = source.rstrip("/") + ".txt"
    return _Refusal(
        "is a pipeline of spaCy",
        _lines(
            result,
            f"import pathlib, spacy; vocab = spacy.load({source!r}).vocab",
            _written(result, "{vocab.strings[key]} {' '.join(map(str, vector))}")
            + " for key, vector in vocab.vectors.items()), 'utf-8')",
        ),
    )


def _numbers(beginning: bytes) -> _Refusal | None:
    if len(beginning) < _DOUBLES.size:
        return None
    least, most = _LIKELY
    if not all(least < abs(one) < most for one in _DOUBLES.unpack_from(beginning)):
        return None
    return _Refusal(
        "holds numbers without words, as GloVe writes them with -binary 1",
        "name the text file that GloVe writes with -binary 0 or 2",
    )
