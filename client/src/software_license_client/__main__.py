"""Run the command line: ``python -m software_license_client``."""

import sys

from .cli import main

sys.exit(main())
