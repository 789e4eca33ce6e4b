"""The name server of a fake provider: it answers on loopback what the fake's API stored, for every zone of every fake."""

import contextlib
import socket
import struct
import threading

TXT, SOA, NS = 16, 6, 2


def name_wire(name):
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split(".") if label) + b"\0"


class FakeDns:
    """`withhold`: so many answers come without the values, as from a server that has not heard of them yet."""

    def __init__(self, address, port, fakes):
        self.fakes, self.asked, self.withhold = fakes, [], 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                data, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            with contextlib.suppress(OSError, struct.error, IndexError, UnicodeDecodeError):
                self.socket.sendto(self.answer(data), peer)

    def find(self, name):
        fits = [(zone, fake) for fake in self.fakes for zone in fake.zones if name == zone or name.endswith("." + zone)]
        return max(fits, key=lambda f: len(f[0]), default=(None, None))

    def answer(self, data):
        number, flags = struct.unpack_from("!HH", data)
        at, labels = 12, []
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode("ascii"))
            at += 1 + data[at]
        question = data[12:at + 5]  # with the letters as they were asked: 0x20
        kind = struct.unpack_from("!H", data, at + 1)[0]
        name = ".".join(labels).lower()
        zone, fake = self.find(name)
        if zone is None:
            return struct.pack("!HHHHHH", number, 0x8000 | flags & 0x100 | 5, 1, 0, 0, 0) + question
        soa = name_wire("ns." + zone) + name_wire("hostmaster." + zone) + struct.pack("!IIIII", 1, 60, 60, 600, 1)
        answers = []
        if kind == TXT:
            self.asked.append(name)
            values = fake.values(name)
            if values and self.withhold > 0:
                self.withhold -= 1
                values = []
            answers = [(kind, bytes([len(v)]) + v.encode("ascii")) for v in values]
        elif name == zone and kind == SOA:
            answers = [(SOA, soa)]
        elif name == zone and kind == NS:
            answers = [(NS, name_wire("ns." + zone))]
        out = struct.pack("!HHHHHH", number, 0x8400 | flags & 0x100, 1, len(answers), 0 if answers else 1, 0) + question
        for rtype, rdata in answers:
            out += b"\xc0\x0c" + struct.pack("!HHIH", rtype, 1, 60, len(rdata)) + rdata
        if not answers:
            out += name_wire(zone) + struct.pack("!HHIH", SOA, 1, 1, len(soa)) + soa
        return out

    def stop(self):
        # A thread in recvfrom does not notice close() alone.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
