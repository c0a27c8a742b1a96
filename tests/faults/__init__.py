"""The product while something is wrong with it, or with what stands around it."""

import pytest

# Their assertions tell what they saw, as those of a test do.
pytest.register_assert_rewrite("tests.faults.audit", "tests.faults.world")
