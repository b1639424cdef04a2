"""The one exception that means "the user's input was wrong"."""


class UserError(Exception):
    """The user's input cannot be used; the command line prints it as one line and exits with status 2.

    `what` went wrong, `where` it is (a file, a params key, a row), and how to `mend` it.
    """

    def __init__(self, what: str, *, where: object, mend: str) -> None:
        self.what, self.where, self.mend = what, str(where), mend
        super().__init__(what, where, mend)

    def __str__(self) -> str:
        line = f"{self.what} ({self.where}): {self.mend}"
        return " ".join(line.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Process pools pickle exceptions; keyword-only arguments need this.
        return _rebuild, (self.what, self.where, self.mend)


def _rebuild(what: str, where: str, mend: str) -> UserError:
    return UserError(what, where=where, mend=mend)
