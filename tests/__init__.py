"""Tests of Sampan; a package, so that tests import one another by their full names."""
