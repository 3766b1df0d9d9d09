"""Which rows stay, and which belong together: by comparing them in loops."""

import math


def rank(value):
    """Null before everything, NaN after everything."""
    if value is None:
        return (0, 0)
    if isinstance(value, float) and math.isnan(value):
        return (2, 0)
    return (1, value)


def newest(rows, key, order):
    """The rows left of dicts: the last of each key, and each row that has none."""
    kept, nameless = {}, []
    for row in rows:
        name = tuple(row[column] for column in key)
        if None in name:
            nameless.append(row)
            continue
        by = [*order, *[column for column in row if column not in {*key, *order}]]
        if name not in kept or [rank(row[c]) for c in by] > [rank(kept[name][c]) for c in by]:
            kept[name] = row
    return [*kept.values(), *nameless]


def common(a, b):
    """The length of the longest common subsequence."""
    before = [0] * (len(b) + 1)
    for x in a:
        now = [0]
        for place, y in enumerate(b):
            now.append(before[place] + 1 if x == y else max(now[-1], before[place + 1]))
        before = now
    return before[-1]


def alike(a, b, threshold):
    return 1 - (len(a) + len(b) - 2 * common(a, b)) / (len(a) + len(b)) >= threshold


def groups(rows, threshold, max_block):
    """For rows (key, block, texts): the group and whether the row was left out."""
    distinct = {}
    for key, block, texts in rows:
        if not left_blank(key, block, texts):
            distinct.setdefault(block, set()).add(texts)
    compared = [not left_blank(key, block, texts) and len(distinct[block]) <= max_block for key, block, texts in rows]
    group = [key for key, _, _ in rows]
    changed = True
    while changed:
        changed = False
        for i, (_, block, texts) in enumerate(rows):
            for j, (_, other_block, other) in enumerate(rows):
                near = compared[i] and compared[j] and block == other_block and group[j] < group[i]
                if near and all(alike(a, b, threshold) for a, b in zip(texts, other, strict=True)):
                    group[i] = group[j]
                    changed = True
    return [(g, not c) for g, c in zip(group, compared, strict=True)]


def left_blank(key, block, texts):
    return key is None or block is None or any(not text for text in texts)
