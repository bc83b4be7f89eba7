"""What shells complete: rules, cases, sections, profiles, bugs and faults, each looked up when a shell asks."""

from __future__ import annotations

from collections.abc import Iterable

from fake_server.command_line import complete

_FAULT, _BUG = "x-fake-fault:", "x-fake-bug:"


def _sections(names: Iterable[str]) -> list[str]:
    """The names that others lie below, in the order of these."""
    return list(
        dict.fromkeys(name[:place] for name in names for place, character in enumerate(name) if character == ".")
    )


def _count(names: Iterable[str], section: str, noun: str) -> str:
    return f"{sum(name.startswith(f'{section}.') for name in names)} {noun}"


def _rules() -> dict[str, str]:
    from contract_tests.rules import RULES

    return {rule.id: rule.clause for rule in RULES.values()}


def _rules_and_sections() -> dict[str, str]:
    rules = _rules()
    return {section: _count(rules, section, "rules") for section in _sections(rules)} | rules


def _cases() -> dict[str, str]:
    from contract_tests.cases import CASES

    return {case.id: case.title for case in CASES.values()}


def _case_sections() -> dict[str, str]:
    cases = _cases()
    return {section: _count(cases, section, "cases") for section in _sections(cases)}


def _probes_and_sections() -> dict[str, str]:
    from contract_tests.sandwich.probes import probes

    titles = {probe.id: probe.title for probe in probes()}
    return {section: _count(titles, section, "probes") for section in _sections(titles)} | titles


def _profiles() -> dict[str, str]:
    from contract_tests.tolerance.file import profile_names

    return dict.fromkeys(profile_names(), "")


def _bugs() -> dict[str, str]:
    from fake_server.bugs.catalogue import bugs

    return {bug.id: bug.title for bug in bugs().values()}


def _bug_classes() -> dict[str, str]:
    from fake_server.bugs.catalogue import bugs

    return dict.fromkeys(sorted({bug.kind for bug in bugs().values()}), "")


def _headers() -> dict[str, str]:
    """The header fields by which a run asks the fake for a fault or a bug."""
    from fake_server.faults import CATALOGUE

    faults = {f"{_FAULT}{name}": (fault.__doc__ or "").partition(".")[0] for name, fault in CATALOGUE.items()}
    return faults | {f"{_BUG}{name}": title for name, title in _bugs().items()}


RULE = complete(_rules)
RULE_OR_SECTION = complete(_rules_and_sections)
CASE_OR_SECTION = complete(lambda: _case_sections() | _cases())
CASE_OR_MAIN = complete(lambda: {"main": "main(), the seed program"} | _case_sections() | _cases())
CASE_SECTION = complete(_case_sections)
PROBE_OR_SECTION = complete(_probes_and_sections)
PROFILE = complete(_profiles, files=True)
BUG = complete(_bugs)
BUG_CLASS = complete(_bug_classes)
HEADER = complete(_headers)
