"""Run stilts, Debian's, which validates services too."""

import re
import subprocess
from collections import Counter

STAGES = "-LOC"
"""But for observations that are planned, which no mirror has: the lack of their table is told as a failure."""


def stilts(*arguments, seconds=200):
    """What stilts says."""
    ran = subprocess.run(["stilts", *arguments], capture_output=True, text=True, timeout=seconds)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def taplint(url, **how):
    """What stilts says of a service, each fault as often as it is there."""
    return stilts("taplint", f"tapurl={url}", f"stages={STAGES}", "report=EWSF", "maxrepeat=9999", **how)


def stages(told):
    """The stages that were run, in their order."""
    return re.findall(r"^Section ([A-Z]{3}):", told, re.MULTILINE)


def scores(told):
    """How many errors (E), failures (F) and warnings (W) were told: {(stage, letter): number}."""
    return Counter((stage, kind) for kind, stage in re.findall(r"^([EFW])-([A-Z]{3})-", told, re.MULTILINE))
