"""Blocks of objects on disk: right bytes from any number of threads and processes, up to a limit."""

import multiprocessing
import os
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from sedsql.files.errors import StorageError
from sedsql.files.object_storage.addresses import address_of
from sedsql.files.object_storage.block_cache import BLOCK, GAP, BlockCache, cache_folder, cache_limit
from sedsql.files.object_storage.store import Version

SIZE = 300_001


class Storage:
    """An object of random bytes, which notes the ranges that are asked for."""

    def __init__(self, seed=0, size=SIZE):
        self.bytes, self.asked = random.Random(seed).randbytes(size), []
        self.version = Version("s3://b/k", f'"{seed}"', size, datetime(2026, 1, 1, tzinfo=UTC))

    def fetch(self, start, stop):
        self.asked.append((start, stop))
        return self.bytes[start:stop]

    def read(self, cache, start, stop):
        found = cache.read(self.version, start, stop, self.fetch)
        assert found == self.bytes[start:stop]
        return found


def used(folder):
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def test_a_range_is_fetched_once_and_in_whole_blocks(tmp_path):
    cache, storage = BlockCache(tmp_path, 10**9), Storage()
    storage.read(cache, 5000, 9000)
    assert storage.asked == [(4096, 12288)]
    for start, stop in ((5000, 9000), (4096, 12288), (0, 0), (9000, 5000)):
        storage.read(cache, start, stop)
    assert len(storage.asked) == 1
    storage.read(cache, 0, 20000)
    assert storage.asked[1:] == [(0, 20480)]  # a request takes longer than two blocks
    storage.read(cache, SIZE - 10, SIZE + 50)
    assert storage.asked[2:] == [(SIZE // BLOCK * BLOCK, SIZE)]
    storage.read(BlockCache(tmp_path, 10**9), 0, 20000)
    assert len(storage.asked) == 3


def test_parts_far_from_one_another_are_fetched_apart(tmp_path):
    cache, storage = BlockCache(tmp_path, 10**9), Storage()
    storage.read(cache, BLOCK, 2 * BLOCK + GAP)
    storage.asked.clear()
    storage.read(cache, 0, 10 * BLOCK + GAP)
    assert storage.asked == [(0, BLOCK), (2 * BLOCK + GAP, 10 * BLOCK + GAP)]


def test_versions_are_never_mixed(tmp_path):
    cache, old, new = BlockCache(tmp_path, 10**9), Storage(1), Storage(2)
    old.read(cache, 0, SIZE)
    new.read(cache, 100, 200)
    new.read(cache, 0, SIZE)
    old.read(cache, 0, SIZE)
    assert len(old.asked) == 1


def test_damage_is_fetched_again(tmp_path):
    cache, storage = BlockCache(tmp_path, 10**9), Storage()
    storage.read(cache, 0, SIZE)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    content = file.read_bytes()
    for spoilt in (
        content[:100_000],
        content[:50_000] + b"x" + content[50_001:],
        content[:40] + bytes(40) + content[80:],
        bytes(len(content)),
        b"",
    ):
        file.write_bytes(spoilt)
        storage.read(cache, 0, SIZE)
        storage.asked.clear()
        storage.read(cache, 0, SIZE)
        assert not storage.asked


def test_threads_share_it(tmp_path):
    cache, storage = BlockCache(tmp_path, 10**9), Storage()

    def some(seed):
        chance = random.Random(seed)
        for _ in range(50):
            start = chance.randrange(SIZE)
            storage.read(cache, start, start + chance.randrange(20_000))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(some, range(16)))


def _reads(folder, seed, failed):
    cache, chance = BlockCache(folder, 400_000), random.Random(seed)
    try:
        for _ in range(150):
            storage = Storage(chance.randrange(4))
            start = chance.randrange(SIZE)
            storage.read(cache, start, start + chance.randrange(30_000))
            if chance.random() < 0.1:
                cache.trim()
    except BaseException:
        failed.set()
        raise


def test_processes_share_it_and_remove_files_of_one_another(tmp_path):
    context = multiprocessing.get_context("spawn")
    failed = context.Event()
    processes = [context.Process(target=_reads, args=(tmp_path, seed, failed)) for seed in range(2)]
    for process in processes:
        process.start()
    _reads(tmp_path, 9, failed)
    for process in processes:
        process.join()
    assert not failed.is_set()
    assert [process.exitcode for process in processes] == [0, 0]
    BlockCache(tmp_path, 400_000).trim()
    assert used(tmp_path) <= 400_000


def test_it_keeps_below_its_limit_and_what_was_used_last(tmp_path):
    limit = 2_000_000
    cache, storages = BlockCache(tmp_path, limit), [Storage(seed) for seed in range(20)]
    for number, storage in enumerate(storages):
        storage.read(cache, 0, SIZE)
        os.utime(next(iter(sorted(tmp_path.rglob("*"), key=lambda path: -path.stat().st_mtime_ns))), (number, number))
        assert used(tmp_path) <= limit
        storages[0].read(cache, 0, SIZE)
    assert len(storages[0].asked) == 1
    assert used(tmp_path) > limit // 2


def test_one_object_larger_than_the_limit(tmp_path):
    cache, storage = BlockCache(tmp_path, 1_000_000), Storage(size=5_000_000)
    for start in range(0, 5_000_000, 250_000):
        storage.read(cache, start, start + 250_000)
        assert used(tmp_path) <= 1_000_000


def test_without_a_folder_to_write_to_it_only_fetches(tmp_path):
    (tmp_path / "file").write_text("no folder")
    cache, storage = BlockCache(tmp_path / "file", 10**9), Storage()
    storage.read(cache, 5000, 9000)
    assert storage.asked == [(5000, 9000)]
    with pytest.raises(StorageError, match=r"s3://b/k cannot be copied to .*; SEDSQL_CACHE names another folder"):
        cache.copy(storage.version, storage.fetch)


def test_where_it_is_and_how_large(tmp_path, monkeypatch):
    monkeypatch.setenv("SEDSQL_CACHE", str(tmp_path / "here"))
    monkeypatch.setenv("SEDSQL_CACHE_GB", "0.5")
    assert (cache_folder(), cache_limit()) == (tmp_path / "here" / "objects", 500_000_000)
    for wrong in ("many", "-1", "0", "nan"):
        monkeypatch.setenv("SEDSQL_CACHE_GB", wrong)
        with pytest.raises(StorageError, match=r"it is the cache's size in GB, such as 10 or 0\.5"):
            cache_limit()


@pytest.mark.parametrize(
    "path, address",
    [
        ("s3://bucket/sky/", "s3://bucket/sky"),
        ("s3:/bucket/sky", "s3://bucket/sky"),
        ("S3://bucket", "s3://bucket"),
        ("https://data.example.org/hats", "https://data.example.org/hats"),
        ("gs://b/k", "gs://b/k"),
        ("s3:", "s3://"),
        ("s3", None),
        ("sky/s3://bucket", None),
        ("ftp://host/file", None),
        ("/data/s3:/x", None),
    ],
)
def test_addresses(path, address):
    assert address_of(path) == address
