"""The audit log: sequencing events into the tree, signing checkpoints, reading and verifying."""
