"""The one exception for what a user can mend."""


class InputError(ValueError):
    """Bad input: a file, an argument or a combination of them that the user can mend.

    The message is one line that names the file, what was expected, what was found and, where it
    is not obvious, what to do. Tools print it on stderr and exit with status 2.
    """
