"""Build the C extension and the kernel with a C compiler alone; `python -m sedsql.native.build` does it in place.

Both are libraries of the same files; the extension alone has those of `src/duckdb`, the kernel those of `src/arrow`.
The package's build hook runs this file too, before anything else is installed, so it imports the standard library
alone.
"""

import argparse
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "src"
"""The C files; src/README.md says which folder may include which."""
NAME = "sedsql.duckdb_extension"
KERNEL = "sedsql.kernel"
API = "v1.2.0"
"""The version of DuckDB's C API that is asked for; every later DuckDB hands it out."""

# Without contraction to fused multiply-adds, every machine computes the same labels.
FLAGS = ["-std=c11", "-O3", "-fPIC", "-fvisibility=hidden", "-ffp-contract=off", "-pthread"]
WARNINGS = ["-Wall", "-Wextra", "-Werror=implicit-function-declaration"]
SANITIZERS = ["-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


class BuildError(Exception):
    """Why there is no extension: half a sentence."""


def build(target: Path, *, sanitize: bool = False) -> None:
    """Compile the C sources with $CC, or the compiler that is found, and $CFLAGS.

    Write the extension to `target`, and the kernel, of the name KERNEL, beside it.

    sanitize : with AddressSanitizer and UndefinedBehaviorSanitizer, which stop the process at the first mistake

    Raises BuildError where that cannot be done; what was there before stays then.
    """
    stamp = footer(duckdb_platform(), version())
    with tempfile.TemporaryDirectory(prefix="sedsql-") as scratch:
        objects = _compiled(Path(scratch), [*FLAGS, *(SANITIZERS if sanitize else [])])
        extension = _linked(objects, "arrow", sanitize)
        kernel = _linked(objects, "duckdb", sanitize)
        _write(target.with_name(KERNEL), kernel)
        _write(target, extension + stamp)


def _compiled(scratch: Path, flags: list[str]) -> Path:
    """Compile each file to an object, folder by folder, and give the folder of all."""
    extra = shlex.split(os.environ.get("CFLAGS", ""))
    for folder in sorted(path for path in SOURCES.iterdir() if path.is_dir()):
        (scratch / folder.name).mkdir()
        files = map(str, sorted(folder.glob("*.c")))
        _run(
            [*flags, *WARNINGS, f'-DSED_VERSION="{version()}"', *extra, f"-I{SOURCES}", "-c", *files],
            scratch / folder.name,
        )
    return scratch


def _linked(objects: Path, without: str, sanitize: bool) -> bytes:
    """Link all objects but those of one folder, and give the library."""
    files = [str(file) for file in sorted(objects.rglob("*.o")) if file.parent.name != without]
    # A function that is nowhere is then an error here and not when the library is loaded; the sanitizers' are in the
    # process that loads it.
    strict = ["-Wl,-z,defs"] if sys.platform == "linux" and not sanitize else []
    _run([*(SANITIZERS if sanitize else []), "-shared", "-pthread", *files, "-lm", *strict, "-o", "library"], objects)
    return (objects / "library").read_bytes()


def _run(arguments: list[str], folder: Path) -> None:
    command = [*compiler(), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    except OSError as error:
        raise BuildError(f"{error.filename}: {error.strerror}") from None
    sys.stderr.write(done.stderr)
    if done.returncode:
        mistakes = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines()
        raise BuildError(f"the C compiler {command[0]} failed ({mistakes[0] if mistakes else done.returncode})")


def _write(target: Path, content: bytes) -> None:
    partial = target.with_name(f".partial-{os.getpid()}-{target.name}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.chmod(0o755)
        partial.replace(target)
    except OSError as error:
        raise BuildError(f"{error.filename}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)


def compiler() -> list[str]:
    """The C compiler's command: $CC, else the first of cc, gcc and clang that is there."""
    if os.environ.get("CC"):
        return shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    raise BuildError("there is no C compiler (none of cc, gcc and clang, and CC is not set)")


def duckdb_platform() -> str:
    """This machine as DuckDB names it, which its `PRAGMA platform` prints: linux_amd64, osx_arm64 ..."""
    machine = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(
        platform.machine().lower()
    )
    system = {"linux": "linux", "darwin": "osx"}.get(sys.platform)
    if machine is None or system is None:
        raise BuildError(f"it is not built for {platform.system()} on {platform.machine()}")
    musl = "_musl" if "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")) else ""
    return f"{system}_{machine}{musl}"


def version() -> str:
    """The version of sedsql, of the checkout where this is one."""
    checkout = HERE.parent.parent / "pyproject.toml"
    if checkout.is_file():
        return tomllib.loads(checkout.read_text(encoding="utf-8"))["project"]["version"]
    from importlib.metadata import version

    return version("sedsql")


def footer(built_for: str, extension_version: str) -> bytes:
    """The 512 bytes that an extension's file ends with: eight fields of 32 bytes, the last one first, and a signature.

    From the first: the footer's own version, platform, version of the C API, of the extension, kind of the
    API, and three that are empty. The signature is empty as well, so that DuckDB loads it only where it allows
    unsigned extensions (DuckDB's documentation, "Extensions", section on their metadata).
    """
    fields = ["4", built_for, API, extension_version, "C_STRUCT", "", "", ""]
    return b"".join(field.encode().ljust(32, b"\0") for field in reversed(fields)) + bytes(256)


def main() -> int:
    """The command line; the exit status is 1 where there is no extension afterwards."""
    parser = argparse.ArgumentParser(
        prog="python -m sedsql.native.build", description="Build sedsql's C extension and kernel."
    )
    parser.add_argument("--sanitize", action="store_true", help="check memory and undefined behaviour as it runs")
    parser.add_argument("--output", type=Path, help="folder for both; they stand in the package otherwise")
    asked = parser.parse_args()
    target = (asked.output or (HERE / "sanitized" if asked.sanitize else HERE)) / NAME
    try:
        build(target, sanitize=asked.sanitize)
    except BuildError as error:
        print(f"No C extension: {error}", file=sys.stderr)
        return 1
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
