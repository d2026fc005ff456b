"""Write the capabilities of a service (VOSI 1.1, Section 2.2; TAPRegExt 1.0)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from sedsql.mirror.tableset import say
from sedsql.service.describe.features import LANGUAGE_FEATURES, Feature, user_defined

_STANDARD = "ivo://ivoa.net/std/"
_NAMESPACES = {
    "xmlns:vosi": "http://www.ivoa.net/xml/VOSICapabilities/v1.0",
    "xmlns:tr": "http://www.ivoa.net/xml/TAPRegExt/v1.0",
    "xmlns:vr": "http://www.ivoa.net/xml/VOResource/v1.0",
    "xmlns:vs": "http://www.ivoa.net/xml/VODataService/v1.1",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
_VOSI = {"capabilities": "VOSI#capabilities", "availability": "VOSI#availability", "tables": "VOSI#tables-1.1"}
_VERSIONS = {"2.0": "v2.0", "2.1": "v2.1"}
"""Of ADQL, the oldest first, with the end of the version's name in the registry."""


@dataclass(frozen=True)
class Format:
    """A format of answers: its MIME type, the short names that stand for it, and the standard's name of it."""

    mime: str
    aliases: tuple[str, ...] = ()
    standard: str | None = None


@dataclass(frozen=True)
class Offer:
    """What a service lets its users do.

    formats : of answers, the one that is given unless another is asked for first
    maxrec : rows of an answer: unless told, and at most; None for all
    seconds : that a query may run: unless told, and at most
    days : that a job is kept: unless told, and at most
    upload_bytes, upload_rows : of an uploaded table, at most; None for as many as come
    by_url : whether uploads may be fetched from URLs of https and http
    security : standards by which users are let in; none where no one has to say who they are
    """

    formats: tuple[Format, ...]
    maxrec: tuple[int | None, int | None] = (None, None)
    seconds: tuple[float, float] = (3600, 3600)
    days: tuple[float, float] = (7, 30)
    upload_bytes: int | None = None
    upload_rows: int | None = None
    by_url: bool = False
    security: tuple[str, ...] = ()


@lru_cache(maxsize=16)
def capabilities(url: str, offer: Offer) -> bytes:
    """Describe the service at a URL, which ends in `/tap`."""
    root = Element("vosi:capabilities", _NAMESPACES)
    tap = SubElement(root, "capability", {"standardID": f"{_STANDARD}TAP", "xsi:type": "tr:TableAccess"})
    _add_interface(tap, url, offer, use="base", role="std", version="1.1")
    _add_language(tap)
    for one in offer.formats:
        names = {"ivo-id": one.standard} if one.standard else {}
        element = SubElement(tap, "outputFormat", names)
        say(element, mime=one.mime)
        for alias in one.aliases:
            say(element, alias=alias)
    # Who takes uploads must declare that of http (TAPRegExt 1.0, Section 2.5); hosts that are not allowed are refused.
    for method in ("inline", "http", *(("https",) if offer.by_url else ())):
        SubElement(tap, "uploadMethod", {"ivo-id": f"{_STANDARD}TAPRegExt#upload-{method}"})
    _add_limits(tap, offer)
    for name, standard in _VOSI.items():
        capability = SubElement(root, "capability", {"standardID": _STANDARD + standard})
        _add_interface(capability, f"{url}/{name}", offer, use="full", role="std")
    examples = SubElement(root, "capability", {"standardID": f"{_STANDARD}DALI#examples"})
    _add_interface(examples, f"{url}/examples", offer, use="full", role="std", kind="vr:WebBrowser")
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _add_interface(
    capability: Element,
    url: str,
    offer: Offer,
    *,
    use: str,
    role: str,
    kind: str = "vs:ParamHTTP",
    version: str | None = None,
) -> None:
    attributes = {"xsi:type": kind, "role": role, **({"version": version} if version else {})}
    interface = SubElement(capability, "interface", attributes)
    SubElement(interface, "accessURL", {"use": use}).text = url
    for standard in offer.security:
        SubElement(interface, "securityMethod", {"standardID": standard})


def _add_language(tap: Element) -> None:
    language = SubElement(tap, "language")
    say(language, name="ADQL")
    for version, name in _VERSIONS.items():
        SubElement(language, "version", {"ivo-id": f"{_STANDARD}ADQL#{name}"}).text = version
    say(language, description="ADQL 2.1, with functions that classify sources by their SEDs")
    _add_features(language, "udf", _functions())
    for kind, forms in LANGUAGE_FEATURES.items():
        _add_features(language, kind, (Feature(form, "") for form in forms))


def _add_features(language: Element, kind: str, features: Iterable[Feature]) -> None:
    element = SubElement(language, "languageFeatures", {"type": f"{_STANDARD}TAPRegExt#features-{kind}"})
    for one in features:
        say(SubElement(element, "feature"), form=one.form, description=one.description)


@lru_cache
def _functions() -> tuple[Feature, ...]:
    return tuple(user_defined())


def _add_limits(tap: Element, offer: Offer) -> None:
    """Add limits in the order that the schema has: of days, of seconds, of rows, of uploads."""
    _add_limit(tap, "retentionPeriod", offer.days[0] * 86400, offer.days[1] * 86400)
    _add_limit(tap, "executionDuration", offer.seconds[0], offer.seconds[1])
    _add_limit(tap, "outputLimit", *offer.maxrec, unit="row")
    most = (offer.upload_bytes, "byte") if offer.upload_bytes else (offer.upload_rows, "row")
    _add_limit(tap, "uploadLimit", None, most[0], unit=most[1])


def _add_limit(tap: Element, name: str, default: float | None, hard: float | None, *, unit: str | None = None) -> None:
    if default is None and hard is None:
        return
    element = SubElement(tap, name)
    attributes = {"unit": unit} if unit else {}
    for kind, value in (("default", default), ("hard", hard)):
        if value is not None:
            SubElement(element, kind, attributes).text = str(round(value))
