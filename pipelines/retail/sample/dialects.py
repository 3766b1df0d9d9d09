"""The shapes in which sales files come: delimiter, encoding, line ends, quotes, order of columns, gzip."""

import codecs
import gzip
from dataclasses import dataclass

from pipelines.retail.sample.sales import FIELDS
from pipelines.retail.sample.spoiling import Line

GZIP_LEVEL = 6
SURPLUS_FIELD = "promo"
CUT_FIELDS = 6  # a cut line keeps this many fields, the last of them in part
REORDERED = (
    "store_id",
    "transaction_id",
    "transaction_timestamp",
    "product_id",
    "customer_id",
    "discount_percent",
    "unit_price",
    "quantity",
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One shape of a sales file; `encoding` is the name of a Python codec."""

    encoding: str = "utf-8"
    delimiter: str = ","
    newline: str = "\n"
    columns: tuple[str, ...] = FIELDS
    is_quoted: bool = False
    is_gzip: bool = False

    @property
    def suffix(self) -> str:
        """File name ending."""
        return ".csv.gz" if self.is_gzip else ".csv"

    def render(self, lines: list[Line], header: tuple[str, ...] | None = None) -> bytes:
        """Return the file's bytes.

        Args:
            lines: Its lines, in order.
            header: Names in the first line where they are not those of the columns.

        Returns:
            The encoded and, where the dialect says so, compressed text.
        """
        order = None if self.columns == FIELDS else tuple(FIELDS.index(name) for name in self.columns)
        texts = [self._join(header or self.columns)]
        texts += [self._line(line, order) for line in lines]
        ending = "" if lines and lines[-1].cut else self.newline
        return self._pack(self.newline.join(texts) + ending)

    def _line(self, line: Line, order: tuple[int, ...] | None) -> str:
        fields = line.row if order is None else tuple(line.row[place] for place in order)
        if line.surplus > 0:
            fields += (SURPLUS_FIELD,) * line.surplus
        elif line.surplus < 0:
            fields = fields[: line.surplus]
        elif line.cut:
            fields = (*fields[: CUT_FIELDS - 1], fields[CUT_FIELDS - 1][:-1])
        return self._join(fields)

    def _join(self, fields: tuple[str, ...]) -> str:
        if self.is_quoted:
            return '"' + f'"{self.delimiter}"'.join(fields) + '"'
        return self.delimiter.join(fields)

    def _pack(self, text: str) -> bytes:
        if self.encoding == "utf-16":
            content = codecs.BOM_UTF16_LE + text.encode("utf-16-le")
        else:
            content = text.encode(self.encoding)
        return gzip.compress(content, GZIP_LEVEL, mtime=0) if self.is_gzip else content


PLAIN = Dialect()
GZIP = Dialect(is_gzip=True)
# A week of two regions with four broken files has room for the first ten: every shape at least once.
DIALECTS = (
    PLAIN,
    Dialect(delimiter=";"),
    Dialect(delimiter="\t"),
    Dialect(encoding="latin-1"),
    Dialect(encoding="utf-16"),
    Dialect(encoding="utf-8-sig"),
    GZIP,
    Dialect(newline="\r\n"),
    Dialect(is_quoted=True),
    Dialect(columns=REORDERED),
    Dialect(encoding="latin-1", delimiter=";", newline="\r\n"),
    Dialect(encoding="utf-16", delimiter="\t", newline="\r\n"),
    *(PLAIN,) * 5,
)
ACCENT_MATTERS = frozenset({"latin-1", "utf-16", "utf-8-sig"})
