"""What the key says of a retail file beyond what it says of every sample's: how its text is written."""


def written_in(encoding: str | None = None, delimiter: str | None = None) -> dict[str, str | None]:
    """Return the key's details of a file.

    Args:
        encoding: Of a text file.
        delimiter: Of a CSV file.
    """
    return {"encoding": encoding, "delimiter": delimiter}
