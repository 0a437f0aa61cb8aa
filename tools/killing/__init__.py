"""What tools/kill-loop is made of: its clients, the daemon that they send to, its lives, and the proof at the end."""
