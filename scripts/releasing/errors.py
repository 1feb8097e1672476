"""The one error of promotion and of deployments from a release."""


class ReleaseError(Exception):
    """A version is not promoted, or not deployed; the message says what is wrong and what to do next."""
