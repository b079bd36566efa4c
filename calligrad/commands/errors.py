"""What the person at the command line can put right."""


class UserError(Exception):
    """A mistake in what was asked for. The command line prints it without a traceback and exits with status 2."""
