"""What tools/hostile is made of: honest clients, attacks, and what is measured of the daemon meanwhile."""
