"""A mail server that keeps what it gets: STARTTLS or TLS from the start, AUTH PLAIN and LOGIN, and refusals as told."""

import base64
import collections
import contextlib
import pathlib
import socket
import ssl
import threading

import lab as lab_module

Mail = collections.namedtuple("Mail", "sender recipients raw user tls")


class MailServer:
    """`refuse` maps a verb (EHLO, AUTH, MAIL, RCPT, DATA, END) to answers that are given in its place, one each, first
    those in front; END is what follows the mail. `users` are name -> password; none: nobody has to log in."""

    def __init__(self, directory, address, port, *, security="starttls", users=None):
        directory = pathlib.Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file, cert, key = lab_module.make_tls(directory, address)
        self.address, self.port, self.security, self.users = address, port, security, users or {}
        self.mails, self.refuse, self.dialogue = [], collections.defaultdict(list), []
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.load_cert_chain(cert, key)
        self.socket = socket.create_server((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def settings(self, **more):
        return {"host": self.address, "port": self.port, "security": self.security, "ca_pem": self.ca_file.read_text(),
                "allow_addresses": [f"{self.address}/32"], "from": "reeve@example.test", "to": ["ops@example.test"], **more}

    def stop(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def _serve(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._session, args=(connection,), daemon=True).start()

    def _session(self, connection):
        with contextlib.suppress(OSError, ssl.SSLError, ValueError, IndexError), contextlib.ExitStack() as stack:
            connection.settimeout(20)
            tls = self.security == "tls"
            stack.callback(connection.close)
            if tls:
                connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
            lines = connection.makefile("rb")

            def say(text):
                connection.sendall(text.encode() + b"\r\n")

            def line():
                text = lines.readline(5000)
                if not text.endswith(b"\r\n"):
                    raise ValueError(text)
                self.dialogue.append(text)
                return text[:-2].decode()
            user = sender = None
            recipients = []
            say("220 mail.example.test at your service")
            while True:
                text = line()
                verb, _, rest = text.partition(" ")
                verb = verb.upper()
                if verb != "QUIT" and self.refuse[verb]:
                    say(self.refuse[verb].pop(0))
                elif verb in ("EHLO", "HELO"):
                    offers = ["mail.example.test"]
                    if self.security == "starttls" and not tls:
                        offers.append("STARTTLS")
                    if self.users and (tls or self.security == "none"):
                        offers.append("AUTH PLAIN LOGIN")
                    for i, offer in enumerate(offers):
                        say(f"250{' ' if i == len(offers) - 1 else '-'}{offer}")
                elif verb == "STARTTLS":
                    say("220 go ahead")
                    connection = stack.enter_context(self.tls.wrap_socket(connection, server_side=True))
                    lines, tls = connection.makefile("rb"), True
                elif verb == "AUTH":
                    how, _, initial = rest.partition(" ")
                    if how == "PLAIN":
                        if not initial:
                            say("334 ")
                            initial = line()
                        name, password = base64.b64decode(initial).decode().split("\0")[1:]
                    else:
                        say("334 VXNlcm5hbWU6")
                        name = base64.b64decode(line()).decode()
                        say("334 UGFzc3dvcmQ6")
                        password = base64.b64decode(line()).decode()
                    if self.users.get(name) != password:
                        say("535 5.7.8 wrong password, friend")
                        continue
                    user = name
                    say("235 welcome")
                elif verb == "MAIL":
                    if self.users and not user:
                        say("530 5.7.0 log in first")
                        continue
                    sender = rest.partition(":")[2].strip().split(" ")[0]
                    say("250 ok")
                elif verb == "RCPT":
                    recipients.append(rest.partition(":")[2].strip())
                    say("250 ok")
                elif verb == "DATA":
                    say("354 go on")
                    raw = b""
                    while True:
                        part = lines.readline(5000)
                        if part == b".\r\n":
                            break
                        if not part:
                            return
                        raw += part[1:] if part.startswith(b".") else part
                    if self.refuse["END"]:
                        say(self.refuse["END"].pop(0))
                        continue
                    self.mails.append(Mail(sender, tuple(recipients), raw, user, tls))
                    say(f"250 2.0.0 queued as {len(self.mails):05d}")
                elif verb == "QUIT":
                    say("221 bye")
                    return
                else:
                    say("250 ok")
