"""What a program for Linux needs from the machine that it runs on."""
import re
import struct

MACHINES = {62: "amd64", 183: "arm64"}
PT_INTERP = 3


class Program:
    """An ELF program: `machine` is amd64 or arm64; `glibc` is the oldest version of glibc with which it starts, None when it is static."""

    def __init__(self, path):
        with open(path, "rb") as file:
            content = file.read()
        if content[:6] != b"\x7fELF\x02\x01":
            raise SystemExit("%s is no 64-bit program for Linux" % path)
        number, = struct.unpack_from("<H", content, 18)
        if number not in MACHINES:
            raise SystemExit("%s is for another machine; packages are made for x86-64 and arm64" % path)
        self.machine = MACHINES[number]
        start, = struct.unpack_from("<Q", content, 32)
        size, count = struct.unpack_from("<HH", content, 54)
        kinds = [struct.unpack_from("<I", content, start + at * size)[0] for at in range(count)]
        self.glibc = None
        if PT_INTERP in kinds:
            self.glibc = max((int(a), int(b)) for a, b in re.findall(rb"GLIBC_(\d+)\.(\d+)", content))

    def wheel_tag(self):
        """The platform tag of a wheel. A static program starts on every Linux, musl or not."""
        cpu = {"amd64": "x86_64", "arm64": "aarch64"}[self.machine]
        if self.glibc is None:
            return "manylinux_2_17_%s.manylinux2014_%s.musllinux_1_1_%s" % (cpu, cpu, cpu)
        return "manylinux_%d_%d_%s" % (*self.glibc, cpu)
