"""Marketing: ad platforms, click-streams and conversions from files to spend, sessions, attribution and ROI."""
