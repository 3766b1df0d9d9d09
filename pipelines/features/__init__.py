"""Features: user events, payments, profiles and labels from files to training sets and serving vectors."""
