"""The C extension in wheels and editable installs, the page of `sedsql explore` in wheels.

The package is built without what it lacks a C compiler or npm for. An editable install gets the extension in its place
in the checkout, where `make page` writes the page; a wheel gets both from a folder that is gone afterwards.
"""

import importlib.util
import platform
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

IN_WHEEL = "sedsql/native"
PAGE_IN_WHEEL = "sedsql/service/explore/page"
WHY_NOT = "sedsql.why_not"


class Hook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        native = _native(Path(self.root))
        in_place = version == "editable"
        self._scratch = None if in_place else Path(tempfile.mkdtemp())
        folder = self._scratch or Path(self.root, IN_WHEEL)
        libraries, why_not = [folder / native.NAME, folder / native.KERNEL], folder / WHY_NOT
        for path in (*libraries, why_not):
            path.unlink(missing_ok=True)
        try:
            native.build(folder / native.NAME)
            made = libraries
        except native.BuildError as error:
            self.app.display_warning(f"sedsql is built without its C extension: {error}")
            why_not.write_text(f"{error}\n", encoding="utf-8")
            made = [why_not]
        if not in_place:
            build_data["force_include"] |= {str(path): f"{IN_WHEEL}/{path.name}" for path in made}
            if made == libraries:
                build_data["pure_python"] = False
                build_data["tag"] = f"py3-none-{_platform_tag()}"
            self._add_page(folder / "page", build_data)

    def _add_page(self, folder: Path, build_data: dict[str, Any]) -> None:
        try:
            _build_page(Path(self.root, "web"), folder)
        except _PageError as error:
            self.app.display_warning(f"sedsql is built without the page of `sedsql explore`: {error}")
        else:
            build_data["force_include"][str(folder)] = PAGE_IN_WHEEL

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


class _PageError(Exception):
    """Why the page cannot be built."""


def _build_page(web: Path, folder: Path) -> None:
    if not web.is_dir():
        raise _PageError(f"there is no folder {web.name} with its source")
    npm = shutil.which("npm")
    if npm is None:
        raise _PageError("there is no npm, which Node.js has")
    for command in ([npm, "ci"], [npm, "run", "bundle", "--", str(folder)]):
        done = subprocess.run(command, cwd=web, capture_output=True, text=True)
        if done.returncode:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise _PageError(f"`{' '.join(['npm', *command[1:]])}` failed: {lines[-1] if lines else done.returncode}")


def _native(root: Path):
    """sedsql/native/build.py, without the package around it, whose dependencies are not there yet."""
    spec = importlib.util.spec_from_file_location("native_build", root / IN_WHEEL / "build.py")
    native = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(native)
    return native


def _platform_tag() -> str:
    # Python of macOS may be of two architectures; the extension is of the one that it runs on.
    tag = sysconfig.get_platform().replace("universal2", platform.machine())
    return tag.replace("-", "_").replace(".", "_")
