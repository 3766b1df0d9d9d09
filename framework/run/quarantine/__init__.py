"""What people do with quarantined rows: looked at, mended, judged again, put aside."""
