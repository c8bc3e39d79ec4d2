"""Wraps an MPEG-1 programme stream as the AVSEQ01.DAT of a Video CD, as Windows copies it:
a RIFF file of raw CD-ROM XA sectors, mode 2 form 2 (White Book; ECMA-130)."""

import struct
import sys

PAYLOAD = 2324

source, target = sys.argv[1:]
with open(source, "rb") as file:
    stream = file.read()
sectors = []
for number, at in enumerate(range(0, len(stream), PAYLOAD)):
    payload = stream[at : at + PAYLOAD].ljust(PAYLOAD, b"\0")
    sync = b"\0" + b"\xff" * 10 + b"\0"
    minute, second, frame = number // 4500, number // 75 % 60, number % 75
    header = bytes(int(str(part), 16) for part in (minute, second, frame)) + b"\x02"
    subheader = bytes((1, 1, 0x62, 0x0F)) * 2
    sectors.append(sync + header + subheader + payload + b"\0" * 4)
data = b"".join(sectors)
form = b"\0\0\0\0\x55\x55XA\x02\0\0\0\0\0\0\0"
body = b"CDXA" + b"fmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", len(data)) + data
with open(target, "wb") as file:
    file.write(b"RIFF" + struct.pack("<I", len(body)) + body)
