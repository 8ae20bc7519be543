"""What people do with the page: scenarios.py NAME PRODUCTS DIRECTORY

Each function of these modules that takes nothing is one test; pictures go to the directory.
"""

import refusals
import sending
import showing
from tools import NAME

if __name__ == "__main__":
    for module in (sending, refusals, showing):
        if scenario := vars(module).get(NAME):
            scenario()
            break
    else:
        raise SystemExit(f"no such scenario: {NAME}")
