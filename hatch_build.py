"""The C extension in wheels and editable installs; without a C compiler the package is built without it.

An editable install gets it in its place in the checkout, a wheel from a folder that is gone afterwards.
"""

import importlib.util
import platform
import shutil
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

IN_WHEEL = "sedsql/native"
WHY_NOT = "sedsql.why_not"


class NativeHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        native = _native(Path(self.root))
        in_place = version == "editable"
        self._scratch = None if in_place else Path(tempfile.mkdtemp())
        folder = self._scratch or Path(self.root, IN_WHEEL)
        extension, why_not = folder / native.NAME, folder / WHY_NOT
        extension.unlink(missing_ok=True)
        why_not.unlink(missing_ok=True)
        try:
            native.build(extension)
            made = extension
        except native.BuildError as error:
            self.app.display_warning(f"sedsql is built without its C extension: {error}")
            why_not.write_text(f"{error}\n", encoding="utf-8")
            made = why_not
        if not in_place:
            build_data["force_include"][str(made)] = f"{IN_WHEEL}/{made.name}"
            if made == extension:
                build_data["pure_python"] = False
                build_data["tag"] = f"py3-none-{_platform_tag()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)


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
