"""Files that claim what they do not hold: sizes, counts and depths without end."""

import struct
import sys
import zlib
from pathlib import Path

whole, folder = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2])


def patched(name, edit):
    out = bytearray(whole)
    edit(out)
    (folder / name).write_bytes(out)


def claims_four_gigabytes(out):
    at = out.index(b"mdat")
    out[at - 4 : at] = b"\xff\xff\xff\xff"
    at = out.index(b"stsz")
    out[at + 12 : at + 16] = b"\xff\xff\xff\xff"


def claims_a_wide_picture(out):
    at = out.index(b"avc1", out.index(b"stsd"))
    out[at + 28 : at + 32] = b"\xff\xff\xff\xff"
    at = out.index(b"stts")
    out[at + 12 : at + 20] = b"\x7f\xff\xff\xff\x7f\xff\xff\xff"


patched("four-gigabytes.mp4", claims_four_gigabytes)
patched("endless.mp4", claims_a_wide_picture)

nested = b""
for _ in range(20_000):
    nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
(folder / "nested.mp4").write_bytes(struct.pack(">I", 16) + b"ftypisom\0\0\0\0" + nested)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


SIDE = 100_000
packer = zlib.compressobj(9)
rows = b"\0" * (1 + SIDE // 8)
pixels = b"".join(packer.compress(rows) for _ in range(SIDE)) + packer.flush()
(folder / "poster.mp4").write_bytes(
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", SIDE, SIDE, 1, 0, 0, 0, 0))
    + chunk(b"IDAT", pixels)
    + chunk(b"IEND", b"")
)

ebml = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282886d6174726f736b614287810442858102")
(folder / "segment.mkv").write_bytes(ebml + bytes.fromhex("18538067") + b"\x01" + b"\xff" * 6 + b"\xfe" + b"\x15\x49\xa9\x66\x01\x7f" + b"\xff" * 40)

strh = b"strh" + struct.pack("<I", 56) + b"vidsMJPG" + struct.pack("<10I", 0, 0, 0, 1, 0xFFFFFFFF, 0, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0) + b"\0" * 8
strf = b"strf" + struct.pack("<I", 40) + struct.pack("<IiiHH", 40, 0x7FFFFFFF, 0x7FFFFFFF, 1, 24) + b"MJPG" + struct.pack("<5I", 0xFFFFFFFF, 0, 0, 0, 0)
strl = b"LIST" + struct.pack("<I", 4 + len(strh) + len(strf)) + b"strl" + strh + strf
avih = b"avih" + struct.pack("<I", 56) + struct.pack("<14I", 1, 0xFFFFFFFF, 0, 16, 0xFFFFFFFF, 0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFFFFF, 0, 0, 0, 0)
hdrl = b"LIST" + struct.pack("<I", 4 + len(avih) + len(strl)) + b"hdrl" + avih + strl
movi = b"LIST" + struct.pack("<I", 0xFFFFFF00) + b"movi" + b"00dc" + struct.pack("<I", 0xFFFFFF00) + b"\xff\xd8\xff\xd9" * 100
(folder / "boundless.avi").write_bytes(b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"AVI " + hdrl + movi)
