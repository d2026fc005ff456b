"""What every refusal by the command line is."""


def refused(ran, *words):
    """The command ended with one clear error, and printed nothing else."""
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.startswith("Error: ")
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err
    return True
