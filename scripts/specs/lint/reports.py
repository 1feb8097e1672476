"""Findings as text for people, JUnit for test tabs, SARIF for code scanning."""

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Sequence
from itertools import groupby

from scripts.specs.lint.codes import CODES
from scripts.specs.lint.findings import Finding

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"


def text(findings: Sequence[Finding]) -> str:
    """A line for each finding."""
    return "".join(f"{finding}\n" for finding in findings)


def junit(findings: Sequence[Finding]) -> str:
    """A failed test case for each finding, or one that passed: CI takes an empty report for a lost one."""
    suites = ElementTree.Element("testsuites")
    for path, group in groupby(findings, key=lambda finding: finding.path):
        cases = list(group)
        counts = {"tests": str(len(cases)), "failures": str(len(cases))}
        suite = ElementTree.SubElement(suites, "testsuite", {"name": path, **counts})
        for finding in cases:
            case = {"classname": path, "name": f"{finding.code} line {finding.line}: {CODES[finding.code]}"}
            failure = {"type": finding.code, "message": finding.message}
            ElementTree.SubElement(ElementTree.SubElement(suite, "testcase", case), "failure", failure).text = str(
                finding
            )
    if not findings:
        suite = ElementTree.SubElement(suites, "testsuite", {"name": "specs", "tests": "1", "failures": "0"})
        ElementTree.SubElement(suite, "testcase", {"classname": "specs", "name": "no findings"})
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def sarif(findings: Sequence[Finding]) -> str:
    """SARIF 2.1.0; paths are relative to the repository."""
    rules = [
        {"id": code, "shortDescription": {"text": title}, "help": {"text": f"docs/checks.md explains {code}."}}
        for code, title in CODES.items()
    ]
    results = [
        {
            "ruleId": finding.code,
            "level": "warning" if finding.warning else "error",
            "message": {"text": finding.message},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": finding.path, "uriBaseId": "%SRCROOT%"},
                        "region": {"startLine": finding.line},
                    }
                }
            ],
            "properties": {"environments": list(finding.environments)},
        }
        for finding in findings
    ]
    driver = {"name": "specs", "rules": rules}
    document = {"$schema": SARIF, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}
    return json.dumps(document, indent=2) + "\n"


REPORTS: dict[str, Callable[[Sequence[Finding]], str]] = {"text": text, "junit": junit, "sarif": sarif}
