"""`python -m cokernel` is `cokernel`."""

import sys

from cokernel.front import main

if __name__ == "__main__":
    sys.exit(main())
