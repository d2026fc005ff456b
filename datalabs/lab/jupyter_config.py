"""JupyterLab in a datalab, by what start.sh has found out. The platform asks for a login, and shows it in a frame."""

import os

port, base, frame = (os.environ[f"SEDSQL_{name}"] for name in ("PORT", "BASE", "FRAME"))

c = get_config()
c.ServerApp.ip = "0.0.0.0"
c.ServerApp.port = int(port)
c.ServerApp.port_retries = 0
c.ServerApp.base_url = f"{base}/"
c.ServerApp.open_browser = False
c.ServerApp.root_dir = os.environ["HOME"]
c.LabApp.default_url = "/lab/tree/sedsql/notebooks"
# The image is read-only, and asks no other host.
c.LabApp.extension_manager = "readonly"
c.LabApp.check_for_updates_class = "jupyterlab.handlers.announcements.NeverCheckForUpdate"
c.LabApp.news_url = None
c.IdentityProvider.token = ""
# Browsers may keep cookies from a frame, so none can tell requests of other sites; the server compares Origin and Host.
c.ServerApp.disable_check_xsrf = True
c.ServerApp.tornado_settings = {"headers": {"Content-Security-Policy": f"frame-ancestors 'self' {frame}"}}
page = ["sedsql", "explore", "--port", "{port}", "--base-path", "{base_url}sedsql", "--frame", frame, "--no-browser"]
c.ServerProxy.servers = {
    "sedsql": {
        "command": page,
        "timeout": 60,
        "new_browser_tab": False,
        "launcher_entry": {"title": "sedsql explore", "icon_path": "/opt/datalab/logo.svg"},
    }
}
