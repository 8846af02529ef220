"""A bill of materials: CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/."""

from __future__ import annotations

import uuid

from .packages import Package
from .scan import Scan


def cyclonedx(scan: Scan) -> dict[str, object]:
    """The packages of an image as a CycloneDX document. The same image gives the same document."""
    name, _, version = scan.image.rpartition(":")
    image: dict[str, object] = {
        "type": "container",
        "bom-ref": scan.image,
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": scan.id.removeprefix("sha256:")}],
    }
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, scan.id)}",
        "version": 1,
        "metadata": {"component": image},
        "components": [_component(each) for each in scan.packages],
    }


def _component(package: Package) -> dict[str, object]:
    return {
        "type": "library",
        "bom-ref": package.url,
        "name": package.name,
        "version": package.version,
        "purl": package.url,
    }
