"""The quality of what runs stage: judged before it is published, recorded, and looked at from outside."""
