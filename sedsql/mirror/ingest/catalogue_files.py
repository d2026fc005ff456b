"""Find the files of a HATS catalogue (IVOA Note "HATS", 2025, Section 3) in a folder, or on object storage."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from sedsql.files import TableError
from sedsql.files.object_storage import objects, store
from sedsql.files.object_storage.addresses import address_of
from sedsql.files.object_storage.duckdb_files import PREFIX

_PARTITION = re.compile(r"/dataset/Norder=[^/]+/Dir=[^/]+/Npix=[^/]+(/[^/]+)?\.parquet")
_PIXELS = 10_000
"""Of an order, in a folder `Dir=`."""


class CatalogueFiles(Protocol):
    """The files of a catalogue.

    place : its folder, or its address
    """

    place: str

    def text(self, name: str) -> str | None:
        """A small file; None where it is not there."""

    def inside(self, name: str) -> "CatalogueFiles":
        """A catalogue in a folder of it, or beside it."""

    def parquet(self, properties: dict[str, str]) -> list[str]:
        """The files of its partitions, as DuckDB reads them; `Npix=...` is a file or a folder of files."""


def files_at(place: Path) -> CatalogueFiles:
    """The files of the catalogue in a folder, or at an address."""
    address = address_of(place)
    return _Objects(address) if address else _Folder(place)


class _Folder:
    def __init__(self, folder: Path):
        self.place, self._folder = str(folder), folder

    def text(self, name: str) -> str | None:
        path = self._folder / name
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def inside(self, name: str) -> CatalogueFiles:
        return _Folder(self._folder / name)

    def parquet(self, properties: dict[str, str]) -> list[str]:
        data = self._folder / "dataset"
        paths = sorted(path for path in data.glob("Norder=*/Dir=*/Npix=*") if path.suffix == ".parquet")
        paths += sorted(data.glob("Norder=*/Dir=*/Npix=*/*.parquet"))
        return [str(path) for path in paths if path.is_file()]


class _Objects:
    def __init__(self, address: str):
        self.place = address.rstrip("/")

    def text(self, name: str) -> str | None:
        return store.read_text(f"{self.place}/{name}")

    def inside(self, name: str) -> CatalogueFiles:
        return _Objects(f"{self.place}/{name}")

    def parquet(self, properties: dict[str, str]) -> list[str]:
        if self.place.startswith("http"):
            return [f"{PREFIX}{self.place}/{path}" for path in self._listed(properties.get("hats_npix_suffix"))]
        found = []
        for version in store.objects_in(f"{self.place}/dataset"):
            if _PARTITION.fullmatch(version.address.removeprefix(self.place)):
                objects.note(version)
                found.append(f"{PREFIX}{version.address}")
        return found

    def _listed(self, suffix: str | None) -> Iterator[str]:
        """The files by the catalogue's own list: the web does not say what is in a folder."""
        if suffix == "/":
            raise TableError(f"{self.place} has folders of files, which the web does not list; copy it first")
        lines = csv.DictReader((self.text("partition_info.csv") or "").splitlines())
        for line in lines:
            order, pixel = int(line["Norder"]), int(line["Npix"])
            folder = pixel // _PIXELS * _PIXELS
            yield f"dataset/Norder={order}/Dir={folder}/Npix={pixel}{suffix or '.parquet'}"
