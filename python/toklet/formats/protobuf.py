"""The wire format of protocol buffers, as much of it as it takes to read a message: fields with a number and a value, one after the other."""

from collections.abc import Iterator

from ..reference.error import FormatError

Value = int | bytes


def fields(data: bytes, name: str) -> Iterator[tuple[int, Value]]:
    """Give the number and the value of each field: an integer, or the bytes of anything longer."""

    def refused(found: str) -> FormatError:
        return FormatError(name, found, "a message of protocol buffers")

    def varint(at: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= len(data):
                raise refused("cut off")
            value |= (data[at] & 0x7F) << shift
            at += 1
            if data[at - 1] < 0x80:
                return value & (2**64 - 1), at
        raise refused("a number without an end")

    at = 0
    while at < len(data):
        key, at = varint(at)
        number, wire = key >> 3, key & 7
        if number == 0 or wire not in (0, 1, 2, 5):
            raise refused(f"a field {number} of wire type {wire}")
        if wire == 0:
            value, at = varint(at)
            yield number, value
            continue
        length, at = varint(at) if wire == 2 else (8 if wire == 1 else 4, at)
        if length > len(data) - at:
            raise refused("cut off")
        yield number, data[at : at + length]
        at += length
