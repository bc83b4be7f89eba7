"""`python -m contract_tests.lab.packaging`: what the wheel weighs, by extra."""

import sys

from contract_tests.lab.packaging.wheels import main

sys.exit(main())
