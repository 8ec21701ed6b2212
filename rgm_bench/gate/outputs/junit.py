"""A check as JUnit XML, which every system of continuous integration reads."""

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from rgm_bench.gate.compare import Check
from rgm_bench.gate.rule import Finding
from rgm_bench.gate.words import explained, found_from

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(check: Check, *, inconclusive_passes: bool) -> bytes:
    """One test case for each number: failed for a regression, an error where nothing is compared.

    Args:
        check: the check.
        inconclusive_passes: whether an inconclusive number is skipped; else it has failed.
    """
    suite = Element("testsuite", name=_clean(check.gate), timestamp=_clean(check.current.time))
    counts = {"failure": 0, "error": 0, "skipped": 0}

    def case(name: str, kind: str | None, ruling: str, text: str) -> None:
        found = SubElement(suite, "testcase", classname=_clean(check.gate), name=_clean(name))
        if kind is not None:
            counts[kind] += 1
            SubElement(found, kind, message=_clean(text), type=_clean(ruling))
        else:
            SubElement(found, "system-out").text = _clean(text)

    for finding in check.findings:
        kind = _kind(finding, inconclusive_passes=inconclusive_passes)
        case(finding.name, kind, finding.ruling, f"{explained(finding)} {found_from(finding)}")
    for number in check.current.numbers if check.differences else ():
        case(number.label, "error", "not comparable", "; ".join(check.differences))
    tests = str(len(suite))
    names = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    for element in (suite, suites := Element("testsuites")):
        element.set("tests", tests)
        for attribute, kind in names:
            element.set(attribute, str(counts[kind]))
    suites.append(suite)
    return tostring(suites, encoding="utf-8", xml_declaration=True)


def _kind(finding: Finding, *, inconclusive_passes: bool) -> str | None:
    match finding.ruling:
        case "regression":
            return "failure"
        case "inconclusive":
            return "skipped" if inconclusive_passes else "failure"
        case "not comparable":
            return "error"
        case "pass" | "improvement":
            return None


def _clean(text: str) -> str:
    """Without the control characters that XML has no way to write."""
    return _NOT_IN_XML.sub("?", text)
