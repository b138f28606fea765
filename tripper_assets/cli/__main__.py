"""`python -m tripper_assets.cli` is `tripper`."""

from tripper_assets.cli import main

main()
