"""Find the URLs of TAP services by short names."""

from difflib import get_close_matches
from urllib.parse import urlsplit

from sedsql.tap.errors import Refused

KNOWN = {
    "gaia": "https://gea.esac.esa.int/tap-server/tap",
    "vizier": "https://tapvizier.cds.unistra.fr/TAPVizieR/tap",
    "gavo": "https://dc.g-vo.org/tap",
    "irsa": "https://irsa.ipac.caltech.edu/TAP",
}
BY_FORM = {KNOWN["gaia"]}
"""Services that log users in by a form and do not say so in their capabilities."""


def url_of(service: str) -> str:
    """The URL of a service, from a name in KNOWN or a URL."""
    if service.lower() in KNOWN:
        return KNOWN[service.lower()]
    try:
        parts = urlsplit(service)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url and "@" not in service:
        near = get_close_matches(service.lower(), KNOWN, 2, 0.5) or list(KNOWN)
        raise Refused(f"{service!r} is neither a URL nor the name of a TAP service; there is {' and '.join(near)}.")
    if "@" in service.split("?")[0].split("//")[-1].split("/")[0] or not is_url:
        raise Refused(
            "A URL with a user name and password is not accepted, because URLs are shown and stored: "
            "set SEDSQL_TAP_USER and SEDSQL_TAP_PASSWORD, or write them into ~/.netrc."
        )
    return service.split("?")[0].split("#")[0].rstrip("/")
