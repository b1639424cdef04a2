"""The exceptions that mean "the user can mend this": a wrong input, or a server that does not answer."""


class UserError(Exception):
    """The user's input cannot be used; the command line prints it as one line and exits with status 2.

    `what` went wrong, `where` it is (a file, a params key, a row), and how to `fix` it.
    """

    def __init__(self, what: str, *, where: object, fix: str) -> None:
        self.what, self.where, self.fix = what, str(where), fix
        super().__init__(what, where, fix)

    def __str__(self) -> str:
        line = f"{self.what} ({self.where}): {self.fix}"
        return " ".join(line.split())

    def __reduce__(self) -> tuple[object, ...]:
        # Process pools pickle exceptions; keyword-only arguments need this.
        return _rebuild, (type(self), self.what, self.where, self.fix)


class UnreachableError(UserError):
    """A server or registry does not answer now; the same input may do later."""


def _rebuild(kind: type[UserError], what: str, where: str, fix: str) -> UserError:
    return kind(what, where=where, fix=fix)
