"""What is made of a case file to be printed or taken along: cover, catalogue, labels, package, one bookmarked PDF."""
