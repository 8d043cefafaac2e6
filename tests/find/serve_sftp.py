"""Serve a folder by SFTP on loopback, to the user `me` with the password `secret`: FOLDER PORT.

It runs in the environment of the tests of buckets: the tests' own environment has no asyncssh.
"""

import asyncio
import sys

import asyncssh


class Login(asyncssh.SSHServer):
    """One user."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("me", "secret")


class Files(asyncssh.SFTPServer):
    """The folder as the root of all paths."""

    def __init__(self, channel: asyncssh.SSHServerChannel) -> None:
        super().__init__(channel, chroot=sys.argv[1].encode())


async def serve() -> None:
    await asyncssh.listen(
        "127.0.0.1",
        int(sys.argv[2]),
        server_factory=Login,
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        sftp_factory=Files,
    )
    await asyncio.Event().wait()


asyncio.run(serve())
