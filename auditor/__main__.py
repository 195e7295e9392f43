"""`python -m auditor` is `auditor`, also where scripts are not on the path."""

from auditor.cli.main import main

if __name__ == "__main__":
    main()
