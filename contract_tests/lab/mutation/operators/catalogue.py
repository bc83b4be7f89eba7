"""Every kind of operator."""

from __future__ import annotations

from contract_tests.lab.mutation.operators.events import EVENTS
from contract_tests.lab.mutation.operators.inner import INNER
from contract_tests.lab.mutation.operators.kind import Kind
from contract_tests.lab.mutation.operators.members import MEMBERS
from contract_tests.lab.mutation.operators.message import MESSAGE
from contract_tests.lab.mutation.operators.whole import WHOLE

KINDS: tuple[Kind, ...] = (MEMBERS, INNER, EVENTS, WHOLE, MESSAGE)
"""Each kind is drawn from by itself, so that the many members do not crowd out the few events."""
