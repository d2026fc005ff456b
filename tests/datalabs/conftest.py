"""What is mounted for a datalab."""

import pytest


@pytest.fixture
def media(tmp_path):
    """What is mounted at /media: an empty home folder, and a volume."""
    for name in ("home", "volume"):
        (tmp_path / "media" / name).mkdir(parents=True)
    return tmp_path / "media"
