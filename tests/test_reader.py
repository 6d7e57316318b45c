"""Workers that each read some of a corpus have together what one reader of it all has."""

from __future__ import annotations

import gzip
import os
import zlib
from itertools import accumulate
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hsw2v.config import Config, CorpusConfig, VocabularyConfig
from hsw2v.corpus import encoded as encoded_module
from hsw2v.corpus.encoded import EncodedCorpus, IdWriter, Reading
from hsw2v.corpus.parts import Part, divided
from hsw2v.corpus.stream import encode, encode_parts
from hsw2v.corpus.table import merged, places
from hsw2v.corpus.vocabulary import Vocabulary, choose
from hsw2v.errors import EmptyCorpusError, EncodingError
from hsw2v.events import CorpusProgress, Event, ignore
from hsw2v.training.cluster_texts import _slices, names_to_part
from hsw2v.training.reader import LostError, Reader, Totals, encode_apart, remap_of
from hsw2v.training.schedule import own_blocks

CONFIG = CorpusConfig()
LINES = st.lists(st.sampled_from(["", "a", "b c", "ä ö a", "d " * 30, "  e\t", "\r"]), max_size=40)
FILES = st.lists(st.tuples(LINES, st.booleans(), st.booleans()), min_size=1, max_size=4)


def written(folder: Path, files: list[tuple[list[str], bool, bool]]) -> list[str]:
    """Write files: lines, whether the last one is ended, and whether they are compressed."""
    names = []
    for number, (lines, ended, compressed) in enumerate(files):
        text = ("\n".join(lines) + "\n" * ended).encode()
        path = folder / f"{number}.txt{'.gz' * compressed}"
        path.write_bytes(gzip.compress(text) if compressed else text)
        names.append(str(path))
    return names


@given(files=FILES, readers=st.integers(1, 6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_parts_are_whole_lines_and_all_of_them(
    files: list[tuple[list[str], bool, bool]], readers: int, tmp_path: Path
) -> None:
    names = written(tmp_path, files)
    parts = divided(names, readers)
    assert len(parts) == readers
    at = dict.fromkeys(names, 0)
    flat = [part for some in parts for part in some]
    assert sorted(flat, key=lambda part: names.index(part.source)) == flat
    for part in flat:
        data = Path(part.source).read_bytes()
        assert part.begin == at[part.source]
        end = len(data) if part.end is None else part.end
        if part.source.endswith(".gz"):
            assert (part.begin, part.end) == (0, None)
        else:
            assert end == len(data) or data[end - 1 : end] == b"\n"
        at[part.source] = end
    for name in names:
        assert at[name] == len(Path(name).read_bytes())


def test_parts_are_about_as_large(tmp_path: Path) -> None:
    names = written(tmp_path, [(["abcdefgh"] * 1000, True, False), (["abc"] * 250, True, False)])
    sizes = [
        sum((part.end or Path(part.source).stat().st_size) - part.begin for part in some)
        for some in divided(names, 4)
    ]
    assert max(sizes) - min(sizes) <= 2 * len("abcdefgh\n")
    # Compressed files go to whom most of each falls.
    packed = written(tmp_path, [([str(n)] * 50, True, True) for n in range(8)])
    assert [len(some) for some in divided(packed, 4)] == [2, 2, 2, 2]
    # One that nobody knows the size of is as large as the others.
    addresses = [f"s3://bucket/{n}.zst" for n in range(6)]
    assert [len(some) for some in divided(addresses, 3)] == [2, 2, 2]


def exchanged(
    parts: list[list[Part]], whole: EncodedCorpus, config: CorpusConfig, *, alone: bool
) -> list[np.ndarray]:
    """What workers own, as `cluster_texts.employ` brings it about."""
    workers = [Reader() for _ in parts]
    for worker in workers:
        with pytest.raises(LostError):
            worker.types()
    totals = []
    for worker, some in zip(workers, parts, strict=True):
        while not isinstance(told := worker.read(some, config, 0.01), Totals):
            assert told is None or isinstance(told, CorpusProgress)
        totals.append(told)
        # Who is asked again answers the same.
        assert worker.read(some, config, 0.01) == told
    assert sum(one.tokens for one in totals) == whole.tokens
    assert sum(one.sentences for one in totals) == whole.sentences
    types = workers[0].merge(*(worker.types() for worker in workers))
    for name in ("blob", "offsets", "counts"):
        assert np.array_equal(getattr(types, name), getattr(whole.types, name))
    borders, rest, begin = [0], np.empty(0, np.int32), 0
    for number, worker in enumerate(workers):
        ends, rest = worker.cut(rest, number == len(workers) - 1)
        borders.extend((begin + ends).tolist())
        begin = borders[-1]
    assert borders == whole.blocks.tolist()
    vocabulary, _ = choose(types, VocabularyConfig(min_count=2))
    read = zip(parts, totals, strict=True)
    apart = [Reading(some, one.ids, one.checksum) for some, one in read]
    owned, wanted = [], []
    for number, blocks in enumerate(own_blocks(len(borders) - 1, len(workers))):
        found = _slices(apart, borders[blocks.start], borders[blocks.stop])
        others = [one for one in found if one != number]
        sent = [workers[one].send(vocabulary, found[one].begin, found[one].end) for one in others]
        wanted.append(
            (list(found.values()), list(found).index(number) if number in found else -1, sent)
        )
    for worker, (slices, own, sent) in zip(workers, wanted, strict=True):
        reader = Reader() if alone else worker
        given = (slices, None, ()) if alone else (slices, own, sent)
        stored = reader.gather(config, vocabulary, *given)
        owned.append(np.empty(0, np.int32) if stored is None else np.array(stored.ids))
        if stored is not None:
            stored.close()
        worker.close()
    remap = remap_of(len(vocabulary))
    return [remap[ids] for ids in owned]


@pytest.mark.parametrize("alone", [False, True])
@given(files=FILES, readers=st.integers(1, 5))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None
)
def test_workers_own_the_ids_of_one_reader(
    alone: bool, files: list[tuple[list[str], bool, bool]], readers: int, tmp_path: Path
) -> None:
    files = [([*files[0][0], "a b a", "b a"], *files[0][1:]), *files[1:]]
    names = written(tmp_path, files)
    size, encoded_module.BLOCK = encoded_module.BLOCK, 16
    try:
        with encode(names, CONFIG) as whole:
            owned = exchanged(divided(names, readers), whole, CONFIG, alone=alone)
            _, remap = choose(whole.types, VocabularyConfig(min_count=2))
            expected = remap[whole.ids]
            ends = [whole.blocks[one.stop] for one in own_blocks(len(whole.blocks) - 1, readers)]
    finally:
        encoded_module.BLOCK = size
    assert np.concatenate(owned).tolist() == expected.tolist()
    assert list(accumulate(map(len, owned))) == ends


def test_each_worker_drops_types_by_itself(tmp_path: Path) -> None:
    (name,) = written(tmp_path, [([f"a w{n} b" for n in range(400)], True, False)])
    config = CorpusConfig(max_types=64)
    heard: list[Event] = []
    parts = divided([name], 3)
    with encode_apart(parts, config, heard.append) as apart, encode(name, config) as whole:
        assert apart.types.counts.tolist() != whole.types.counts.tolist()
        owned = exchanged(parts, apart, config, alone=False)
        _, remap = choose(apart.types, VocabularyConfig(min_count=2))
        assert np.concatenate(owned).tolist() == remap[apart.ids].tolist()
        last = [event for event in heard if isinstance(event, CorpusProgress)][-1]
        assert last.bytes_read == Path(name).stat().st_size


def test_without_drops_reading_apart_is_reading(tmp_path: Path) -> None:
    names = written(tmp_path, [(["a b", "", "c a"] * 9, False, False), (["c d a"], True, True)])
    parts = divided(names, 4)
    with encode_apart(parts, CONFIG, ignore) as apart, encode(names, CONFIG) as whole:
        assert apart.ids.tolist() == whole.ids.tolist()
        assert apart.types.words == whole.types.words
        assert apart.types.counts.tolist() == whole.types.counts.tolist()
        for name in ("tokens", "sentences", "bytes_read", "source"):
            assert getattr(apart, name) == getattr(whole, name)
        assert apart.blocks.tolist() == whole.blocks.tolist()
    with pytest.raises(EmptyCorpusError, match="no tokens"):
        encode_apart(divided(written(tmp_path, [([], True, False)]), 2), CONFIG, ignore)


def test_what_is_wrong_in_a_part_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    path.write_bytes(b"a b\n" * 100 + b"\xff\n" + b"c\n" * 100)
    parts = divided([str(path)], 2)
    assert parts[1][0].begin == 304
    reader = Reader()
    where = rf"{path.name}, line 101, byte 400"
    with pytest.raises(EncodingError, match=where):
        encode(str(path), CONFIG)
    # Nobody has counted the lines before it.
    for _ in range(2):
        with pytest.raises(EncodingError, match=rf"{path.name}, byte 400: is not valid UTF-8"):
            reader.read(parts[1], CONFIG, 60.0)
    with encode_parts(parts[0], CONFIG) as first:
        assert first.tokens == 152


def test_pipes_and_sentences_are_read_where_the_command_runs(tmp_path: Path) -> None:
    training = Config().training
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.txt").write_text("a\n")
    (tmp_path / "link.txt").symlink_to(tmp_path / "a.txt")
    file, link = str(tmp_path / "a.txt"), str(tmp_path / "link.txt")
    for source in ("-", [["a", "b"]], tmp_path / "pipe", [file, "s3://KEY:SECRET@bucket/a"]):
        assert names_to_part(source, training) is None
    for needs in (
        {"tree": "brown"},
        {"loss": "class", "classes": "exchange"},
        {"record_gradients": 9},
    ):
        assert names_to_part(file, Config().replace(**needs).training) is None
    found = names_to_part([link, "s3://bucket/a"], training)
    assert found == [link, "s3://bucket/a"]


def test_ids_that_are_closed_take_no_disk(tmp_path: Path) -> None:
    writer = IdWriter(tmp_path)
    writer.write(np.arange(100_000, dtype=np.int32))
    stored = writer.finish()
    assert stored is not None
    assert stored.checksum() == zlib.crc32(np.arange(100_000, dtype=np.int32).data)
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(tmp_path) in maps.read_text()
        stored.close()
        assert str(tmp_path) not in maps.read_text()
    stored.close()


def test_types_of_texts_are_merged_and_found() -> None:
    words = [["a", "\n", "b"], ["c", "b", "x" * 40], ["x" * 41, "a"]]
    several = [Vocabulary.from_words(some, range(1, len(some) + 1)) for some in words]
    both = merged(several)
    assert both.words == ["a", "\n", "b", "c", "x" * 40, "x" * 41]
    assert both.counts.tolist() == [3, 2, 5, 1, 3, 1]
    assert places(several[1], several[0]).tolist() == [-1, 2, -1]
    assert len(merged([Vocabulary.from_words([], [])])) == 0
