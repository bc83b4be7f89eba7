"""What the list of models tells `contract doctor` of the key."""

from __future__ import annotations

from contract_tests.rules.engine.view import View
from contract_tests.run.doctor_answer import describe_no_list, find_page, lists_models
from contract_tests.run.doctor_step import Seen, ok, warning
from contract_tests.run.preflight import describe_answer

ABOUT_KEY = (401, 403, 407)


def tell_of_key(view: View, bare: View | None, *, sends_key: bool) -> Seen:
    """What the list of models tells of the key; `bare` is that without the key, None where it was not asked for.

    A server that answers anything to anybody has accepted no key: only a list that is one shows that it has.
    """
    seen = f"status {view.status}"
    unknown = "the dict and the stream below tell whether it is accepted"
    if view.status == 429 or view.status >= 500:
        return warning(f"{describe_answer(view)}: nothing is known of the key", unknown)
    if view.ok and not lists_models(view):
        return warning(f"{describe_no_list(view)}: nothing shows that a key matters", unknown)
    if not sends_key:
        return ok(f"no key was sent, and none was asked for ({seen})")
    if bare is None:
        return ok(f"the key was not refused ({seen})")
    without = f"status {bare.status}" if bare.status else "no reply"
    is_needed = bare.status in ABOUT_KEY or find_page(bare) is not None
    needed = "is needed" if is_needed else "is not needed for the list of models"
    if not is_needed and not lists_models(bare):
        needed = "without it there is no list"
    return ok(f"the key is accepted, and {needed} (without it: {without})")
