"""What an organisation makes public (S1 A.1, S2 4.2, 5.3): proposed, decided by another, shown without signing in."""
