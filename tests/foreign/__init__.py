"""Other projects' own tests against our parts: fetched in the version that is installed, run, and told. None of them lies here."""
