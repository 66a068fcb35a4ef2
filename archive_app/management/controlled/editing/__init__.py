"""What is done with an edition on its way, page by page."""
