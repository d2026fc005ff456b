"""Run the command `sedsql` as `python -m sedsql`."""

from sedsql.cli.main import main

if __name__ == "__main__":
    main()
