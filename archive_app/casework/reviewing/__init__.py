"""Technical review 技术复核, issue 签发 and notification 告知 of the report."""
