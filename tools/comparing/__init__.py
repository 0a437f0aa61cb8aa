"""Parts of tools/compare-peers: Sluice and other stores fed the very records of one day, measured in one run."""
