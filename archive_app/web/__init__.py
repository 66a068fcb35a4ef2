"""The gate, the error table, the layout and what every page shares. Knows no feature."""
