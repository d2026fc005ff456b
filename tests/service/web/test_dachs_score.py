"""Stilts's taplint of a service beside that of DaCHS, on the same rows in the same run: ours has no more faults."""

import re
import shutil

import pytest
from in_stilts import scores, stages, taplint
from serving import serving

pytestmark = [
    pytest.mark.tap_clients,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not shutil.which("stilts"), reason="needs stilts, which `make tap-clients` installs"),
]


def test_taplint_finds_no_more_here_than_in_dachs(dachs, tmp_path):
    with serving(dachs.mirror, tmp_path, workers=2) as url:
        told = {"sedsql": taplint(url, seconds=300)}
    told["DaCHS"] = taplint(dachs.url, seconds=300)
    found = {name: scores(text) for name, text in told.items()}
    print(f"\n{'':6}{'errors':>16}{'failures':>16}{'warnings':>16}")
    print(f"{'stage':6}" + f"{'sedsql':>9}{'DaCHS':>7}" * 3)
    every = list(dict.fromkeys(stage for text in told.values() for stage in stages(text)))
    for stage in every:
        print(f"{stage:6}" + "".join(f"{found['sedsql'][stage, k]:9}{found['DaCHS'][stage, k]:7}" for k in "EFW"))
    for name, text in told.items():
        (total,) = re.findall(r"^Totals: .*", text, re.MULTILINE)
        print(f"{name}: {total}")
        counted = [sum(number for (_, kind), number in found[name].items() if kind == letter) for letter in "EWF"]
        assert counted == [int(number) for number in re.findall(r"(?:Errors|Warnings|Failures): (\d+)", total)]
    for kind in "EF":
        assert sum(found["sedsql"][stage, kind] for stage in every) == 0
        assert all(found["sedsql"][stage, kind] <= found["DaCHS"][stage, kind] for stage in every)
    assert {"CAP", "QGE", "QPO", "QAS", "UWS", "UPL"} <= set(every)
