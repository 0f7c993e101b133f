"""Merkle proofs against a naive recursion, and the tiles' paths, widths and fallbacks."""

from __future__ import annotations

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_testing import naive_root

from glassplate.errors import ProofFailed, StorageFailed, UsageError
from glassplate.files import LocalFiles
from glassplate.log import TileReader, leaf_hash, merkle
from glassplate.log.tiles import RightEdge, bundle_bytes, entries_path, parse_bundle, tile_path

LEAVES = [f"leaf {i}".encode() for i in range(70)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]


def _write_tree(folder, leaves, sizes):
    edge = RightEdge()
    for leaf in leaves:
        for file in [*edge.push([leaf]), *(edge.partials() if edge.size in sizes else [])]:
            LocalFiles().write_atomic(folder / file.path, file.data)
    return edge


@settings(deadline=None)
@given(size=st.integers(0, 70))
def test_root_is_the_one_of_the_naive_recursion(size):
    assert merkle.root_of(HASHES[:size]) == naive_root(LEAVES[:size])


@settings(deadline=None)
@given(size=st.integers(1, 70), data=st.data())
def test_proofs_verify_and_no_altered_proof_does(size, data):
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size))
    node, root = merkle.nodes_of(HASHES[:size]), naive_root(LEAVES[:size])
    path = merkle.inclusion_proof(node, index, size)
    merkle.verify_inclusion(HASHES[index], index, size, path, root)
    for bad in (path[:-1], [*path, bytes(32)], [*path[:-1], bytes(32)]):
        if bad != path:
            with pytest.raises(ProofFailed):
                merkle.verify_inclusion(HASHES[index], index, size, bad, root)
    with pytest.raises(ProofFailed):
        merkle.verify_inclusion(HASHES[index], index + 1, size, path, root)
    growth, old_root = merkle.consistency_proof(node, old, size), naive_root(LEAVES[:old])
    merkle.verify_consistency(old, old_root, size, root, growth)
    with pytest.raises(ProofFailed):
        merkle.verify_consistency(old, old_root, size, root, [*growth, bytes(32)])
    with pytest.raises(ProofFailed):
        merkle.verify_consistency(old, bytes(32), size, root, growth)


def test_impossible_proofs_are_not_made():
    node = merkle.nodes_of(HASHES)
    for index, size in ((-1, 5), (5, 5), (0, 0)):
        with pytest.raises(UsageError):
            merkle.inclusion_proof(node, index, size)
    for old, new in ((0, 5), (6, 5)):
        with pytest.raises(UsageError):
            merkle.consistency_proof(node, old, new)
        with pytest.raises(ProofFailed):
            merkle.verify_consistency(old, bytes(32), new, bytes(32), [bytes(32)])


PATHS = {
    "a small tile": (tile_path(0, 7), "tile/0/007"),
    "the example of the specification": (tile_path(0, 1234067), "tile/0/x001/x234/067"),
    "a partial tile": (tile_path(1, 1000, 17), "tile/1/x001/000.p/17"),
    "a partial bundle": (entries_path(273, 112), "tile/entries/273.p/112"),
    "a full bundle": (entries_path(0, 256), "tile/entries/000"),
}


@pytest.mark.parametrize(("path", "expected"), PATHS.values(), ids=PATHS.keys())
def test_path(path, expected):
    assert path == expected


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 256), (64, 0, 256), (0, -1, 256), (0, 0, 0), (0, 0, 257)]
)
def test_tiles_that_cannot_exist_have_no_path(level, index, width):
    with pytest.raises(UsageError):
        tile_path(level, index, width)


def test_files_of_seventy_thousand_entries_are_those_of_the_notes_example():
    edge = RightEdge()
    full = [file.path for number in range(70_000) for file in edge.push([number.to_bytes(4, "big")])]
    assert sum(path.startswith("tile/0/") for path in full) == 273
    assert [path for path in full if path.startswith("tile/1/")] == ["tile/1/000"]
    assert {file.path for file in edge.partials()} == {
        "tile/entries/273.p/112",
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    }
    hashes = [leaf_hash(number.to_bytes(4, "big")) for number in range(70_000)]
    assert edge.root() == merkle.root_of(hashes)


def test_partials_that_did_not_change_are_not_written_again():
    edge = RightEdge()
    for number in range(300):
        edge.push([b"%d" % number])
    assert {file.path for file in edge.partials(since=299)} == {"tile/entries/001.p/44", "tile/0/001.p/44"}
    assert {file.path for file in edge.partials(since=200)} > {"tile/1/000.p/1"}
    assert edge.partials(since=300) == []


def test_reader_falls_back_to_the_full_tile_and_cuts_it(tmp_path):
    leaves = [b"%d" % number for number in range(600)]
    sizes = (1, 17, 255, 256, 257, 511, 512, 600)
    _write_tree(tmp_path, leaves, set(sizes))
    for stem in ("tile/0/000.p", "tile/0/001.p", "tile/entries/000.p", "tile/entries/001.p"):
        shutil.rmtree(tmp_path / stem)  # a log may remove them: the full ones are there
    reader = TileReader(tmp_path)
    for size in sizes:
        root = naive_root(leaves[:size])
        assert reader.root(size) == root
        reader.check(size, root)
        assert list(reader.entries(size)) == leaves[:size]
        assert list(reader.entries(size, first=size // 2)) == leaves[size // 2 : size]
        assert reader.entry(size - 1, size) == leaves[size - 1]
        merkle.verify_inclusion(leaf_hash(leaves[0]), 0, size, reader.inclusion_proof(0, size), root)
        merkle.verify_consistency(1, naive_root(leaves[:1]), size, root, reader.consistency_proof(1, size))


TREE_DAMAGES = {
    "a missing bundle": ("tile/entries/000", lambda path: path.unlink(), StorageFailed),
    "a missing tile": ("tile/0/000", lambda path: path.unlink(), StorageFailed),
    "a missing upper tile": ("tile/1/000.p/2", lambda path: path.unlink(), StorageFailed),
    "a truncated tile": ("tile/0/000", lambda path: path.write_bytes(path.read_bytes()[:-32]), ProofFailed),
    "a bundle with one byte too many": (
        "tile/entries/002.p/88",
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
        ProofFailed,
    ),
    "a bundle with one entry too many": (
        "tile/entries/002.p/88",
        lambda path: path.write_bytes(path.read_bytes() + b"\0\1x"),
        ProofFailed,
    ),
    "a hash changed in an upper tile": (
        "tile/1/000.p/2",
        lambda path: path.write_bytes(bytes(32) + path.read_bytes()[32:]),
        ProofFailed,
    ),
    "a folder in place of a tile": (
        "tile/0/001",
        lambda path: (path.unlink(), path.mkdir()),
        StorageFailed,
    ),
}


@pytest.mark.parametrize(("name", "damage", "error"), TREE_DAMAGES.values(), ids=TREE_DAMAGES.keys())
def test_check_names_the_file(tmp_path, name, damage, error):
    leaves = [b"%d" % number for number in range(600)]
    edge = _write_tree(tmp_path, leaves, {600})
    damage(tmp_path / name)
    with pytest.raises(error, match=name.partition(".p")[0]):
        TileReader(tmp_path).check(600, edge.root())


@pytest.mark.parametrize("change", [lambda data: data[:-32], lambda data: data + bytes(32), lambda _: b""])
def test_tile_of_another_length_gives_no_root_and_no_proof(tmp_path, change):
    _write_tree(tmp_path, [b"%d" % number for number in range(7)], {7})
    path = tmp_path / "tile/0/000.p/7"
    path.write_bytes(change(path.read_bytes()))
    reader = TileReader(tmp_path)
    for act in (lambda: reader.root(7), lambda: reader.inclusion_proof(3, 7), lambda: reader.leaf_hash(6, 7)):
        with pytest.raises(ProofFailed, match=r"000\.p/7 has \d+ bytes, expected 224"):
            act()


def test_swapped_entry_is_found_although_every_tile_fits_it(tmp_path):
    leaves = [b"%d" % number for number in range(300)]
    edge = _write_tree(tmp_path / "one", leaves, {300})
    _write_tree(tmp_path / "two", [*leaves[:-1], b"forged"], {300})
    with pytest.raises(ProofFailed, match="signed root"):
        TileReader(tmp_path / "two").check(300, edge.root())


def test_entry_that_is_not_there_is_not_read(tmp_path):
    _write_tree(tmp_path, [b"a"], {1})
    for index in (-1, 1):
        with pytest.raises(UsageError):
            TileReader(tmp_path).entry(index, 1)
        with pytest.raises(UsageError):
            TileReader(tmp_path).leaf_hash(index, 1)


def test_entry_too_long_for_its_length_field_is_refused():
    assert parse_bundle(bundle_bytes([b"a" * 65_535, b""]), 2, "bundle") == [b"a" * 65_535, b""]
    with pytest.raises(UsageError):
        bundle_bytes([b"a" * 65_536])


@settings(deadline=None)
@given(data=st.binary(max_size=200), width=st.integers(1, 256))
def test_bundle_parser_refuses_or_understands(data, width):
    try:
        entries = parse_bundle(data, width, "bundle")
    except ProofFailed:
        return
    assert len(entries) == width
    assert bundle_bytes(entries) == data


@given(st.lists(st.integers(1, 700), max_size=8))
def test_entries_pushed_together_lead_to_the_same_files(counts):
    together, apart = RightEdge(), RightEdge()
    number = 0
    for count in counts:
        leaves = [b"%d" % n for n in range(number, number + count)]
        number += count
        one_by_one = [file for leaf in leaves for file in apart.push([leaf])]
        assert sorted(together.push(leaves), key=repr) == sorted(one_by_one, key=repr)
        assert together.partials() == apart.partials()
        assert together.root() == apart.root()
