"""`python -m hsw2v`: the same program as `hsw2v`."""

from hsw2v.cli import main

if __name__ == "__main__":
    main()
