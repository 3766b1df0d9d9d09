"""Every error Sluice raises on purpose, split by who must act.

```
SluiceError
├── AuthorError            the pipeline's author: fix the code
│   ├── DefinitionError    the pipeline cannot be built (all its problems at once)
│   ├── SchemaError        a schema cannot be compiled into a plan
│   │   └── CompatibilityError   a schema changed in a way that its table does not allow
│   ├── TransformError     a transform was given columns or options that it cannot work with
│   ├── StepError          a step raised, or broke the contract it declares
│   └── HookError          a hook raised, or gave what it must not give
├── DataError              the data's owner: fix the input
│   ├── SourceError        the input cannot be read as what the pipeline says it is
│   └── BoundaryError      rows broke a rule whose policy is to fail
└── OperatorError          whoever runs it: fix the surroundings
    ├── ConfigurationError a setting or a command is wrong
    ├── SelectionError     nothing matches what was asked for
    ├── ResourceError      memory, disk or process limits (retryable)
    ├── LedgerError        the ledger refuses a change of state
    ├── StorageError       storage cannot be reached (retryable)
    │   └── CircuitError   the circuit breaker of a source is open: it was not even tried (retryable)
    └── CommitError        the lake refused a commit (retryable)
```

`retryable` says whether the same attempt may succeed later; `kind` is the failure class that runs record.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_GROUPS = 10
MAX_EXAMPLES = 5


class SluiceError(Exception):
    """Base of every error raised on purpose."""

    kind: ClassVar[str] = "bug"
    retryable: ClassVar[bool] = False


class AuthorError(SluiceError):
    """The pipeline's author must change something; `step` names the step that it is about, where it is about one."""

    kind = "definition"
    step: str = ""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong with a definition: where, what, and what to do."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.fix})" if self.fix else "")


class DefinitionError(AuthorError):
    """A pipeline cannot be built; carries every problem found, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        head = "1 problem" if count == 1 else f"{count} problems"
        super().__init__("\n".join([f"{head} in the definition:", *(f"  - {p}" for p in self.problems)]))

    def __reduce__(self) -> tuple[type[DefinitionError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)


class SchemaError(AuthorError):
    """A schema cannot be compiled into a plan, or two schemas that must be equal are not."""


class CompatibilityError(SchemaError):
    """The schema of a table changed in a way that rows or readers of it do not stand."""


class TransformError(AuthorError):
    """A transform was given columns or options that it cannot work with."""

    kind = "step"


class StepError(AuthorError):
    """A step raised, or gave rows that break the contract it declares."""

    kind = "step"


class HookError(AuthorError):
    """A hook raised, or gave what it must not give; what it was raised from says whether that may pass."""

    kind = "step"


class DataError(SluiceError):
    """The owner of the data must change something."""

    kind = "data"


class SourceError(DataError):
    """The input cannot be read as what the pipeline says it is."""


class BoundaryError(DataError):
    """Rows broke a rule whose policy is to fail the run."""


class OperatorError(SluiceError):
    """Whoever runs the pipeline must change something around it."""

    kind = "configuration"


class ConfigurationError(OperatorError):
    """A setting or a command line is wrong."""


class SelectionError(OperatorError):
    """Nothing matches what was asked for."""


class ResourceError(OperatorError):
    """A limit of memory, disk or processes was hit."""

    kind = "resource"
    retryable = True


class LedgerError(OperatorError):
    """The ledger refuses a change: the state cannot follow, or somebody else decided since."""

    kind = "ledger"


class StorageError(OperatorError):
    """Storage cannot be reached or refused the request."""

    kind = "transient"
    retryable = True


class CircuitError(StorageError):
    """The circuit breaker of a source is open, so nobody has tried to reach it."""


class CommitError(OperatorError):
    """The lake refused a commit; nothing of it became visible."""

    kind = "transient"
    retryable = True


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Suggest the nearest known names, or list the known ones; empty when there are none.

    >>> did_you_mean("prodcuts", ["products", "sales"])
    "did you mean 'products'?"
    """
    names = sorted(known)
    near = get_close_matches(name, names, n=2, cutoff=0.6)
    if near:
        return "did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    return f"known: {', '.join(names[:MAX_GROUPS])}" if names else ""
