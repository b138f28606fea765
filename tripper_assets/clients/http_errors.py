"""The ways in which fetching one URL goes wrong, each a transient or a permanent error with its own problem code."""

from typing import ClassVar

from tripper_assets.domain.errors import AddressRefusedError, PermanentError, TransientError


class TimedOutError(TransientError):
    """The other side took longer than it was given."""

    code: ClassVar[str] = "page_timeout"


class UnreachableError(TransientError):
    """No connection, or one that broke before the whole answer had come."""

    code: ClassVar[str] = "page_unreachable"


class TooLargeError(PermanentError):
    """The body is larger than the cap, as received or decompressed."""

    code: ClassVar[str] = "page_too_large"


class UndecodableError(PermanentError):
    """The body is not what its Content-Encoding says, or is wrapped more often than anybody needs."""

    code: ClassVar[str] = "page_undecodable"


class TooManyRedirectsError(PermanentError):
    """The redirects go in a circle, or on for too long."""

    code: ClassVar[str] = "redirect_loop"


class UntrustedCertificateError(PermanentError):
    """The TLS certificate is expired, self-signed or for another host."""

    code: ClassVar[str] = "certificate_refused"


class UnreadableError(PermanentError):
    """The reader of pages failed on this one."""

    code: ClassVar[str] = "extraction_failed"


class RedirectRefusedError(AddressRefusedError):
    """The address answered, and sent on to where no request may leave for."""
