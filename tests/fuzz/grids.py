"""Photos in HEIF and AVIF that are grids of tiles: one photo is decoded as hundreds of pictures."""

from functools import cache
from random import Random

from tests.fuzz.mutation import edge_number
from tests.unit.photos.pictures import encoded, picture

TILE = 64
"""Width and height of a tile in pixels."""

_BRANDS = {"HEIF": (b"heic", b"mif1"), "AVIF": (b"avif", b"mif1")}
_CODINGS = {"HEIF": (b"hvc1", b"hvcC"), "AVIF": (b"av01", b"av1C")}
MOST_TILES = 4_000

_GRID, _FIRST_TILE = 1, 2
"""Numbers of the items."""


def grid(
    form: str,
    rows: int,
    columns: int,
    *,
    size: tuple[int, int] | None = None,
    tiles: list[int] | None = None,
    tile_size: int = TILE,
) -> bytes:
    """Return a photo of ``rows`` times ``columns`` tiles, which share one content.

    ``size`` is the size that it declares, the tiles' by default; ``tiles`` are the numbers of the items that
    it consists of, by default those of the tiles; item 1 is the grid itself.
    """
    coding, configuration, content = _tile(form)
    width, height = size or (columns * TILE, rows * TILE)
    items = list(range(_FIRST_TILE, _FIRST_TILE + min(rows * columns, MOST_TILES)))
    tiles = items if tiles is None else tiles
    header = bytes([0, 1, rows - 1, columns - 1]) + _u32(width) + _u32(height)
    brand, other = _BRANDS[form]
    file_type = _box(b"ftyp", brand + _u32(0) + brand + other)
    properties = _box(b"ipco", configuration + _size(tile_size, tile_size) + _size(width, height))
    associations = _u32(1 + len(items)) + _u16(_GRID) + b"\x01\x83"
    associations += b"".join(_u16(item) + b"\x02\x81\x02" for item in items)
    references = _box(b"dimg", _u16(_GRID) + _u16(len(tiles)) + b"".join(map(_u16, tiles)))

    def meta(offset: int) -> bytes:
        kinds = _item(_GRID, b"grid") + b"".join(_item(item, coding) for item in items)
        places = _place(_GRID, 1, 0, len(header))
        places += b"".join(_place(item, 0, offset, len(content)) for item in items)
        return _box(
            b"meta",
            _u32(0)
            + _box(b"hdlr", _u32(0) + _u32(0) + b"pict" + bytes(13))
            + _box(b"pitm", _u32(0) + _u16(_GRID))
            + _box(b"iinf", _u32(0) + _u16(1 + len(items)) + kinds)
            + _box(b"iref", _u32(0) + references)
            + _box(b"iprp", properties + _box(b"ipma", _u32(0) + associations))
            + _box(b"iloc", _u32(1 << 24) + b"\x44\0" + _u16(1 + len(items)) + places)
            + _box(b"idat", header),
        )

    offset = len(file_type) + len(meta(0)) + 8
    return file_type + meta(offset) + _box(b"mdat", content)


def hostile_grid(random: Random, form: str) -> bytes:
    """Draw a grid that declares more than it has, has more than it declares, or contains itself."""
    rows, columns = random.choice(((1, 1), (2, 3), (15, 15), (256, 256), (1, 250), (30, 30), (60, 60)))
    tiles: list[int] | None = None
    match random.randrange(5):
        case 0:
            tiles = [_GRID] * min(rows * columns, 60_000)
        case 1:
            tiles = [random.choice((_GRID, _FIRST_TILE, 3, 65_535)) for _ in range(min(rows * columns, 300))]
        case 2:
            tiles = [_FIRST_TILE] * random.choice((0, 1, 6, 60_000))
        case _:
            pass
    size = random.choice(
        (
            None,
            None,
            (10_000, 9_999),
            (edge_number(random, 4), 1),
            (edge_number(random, 2), edge_number(random, 2)),
        )
    )
    tile_size = random.choice((TILE, TILE, TILE, 1, 65_536, edge_number(random, 4)))
    return grid(form, rows, columns, size=size, tiles=tiles, tile_size=tile_size)


@cache
def _tile(form: str) -> tuple[bytes, bytes, bytes]:
    """Return the coding of a tile, the box with its configuration, and its content."""
    single = encoded(picture(TILE, TILE), form)
    coding, configuration = _CODINGS[form]
    start = single.index(configuration) - 4
    content = single.index(b"mdat") + 4
    length = int.from_bytes(single[content - 8 : content - 4]) - 8
    end = start + int.from_bytes(single[start : start + 4])
    return coding, single[start:end], single[content : content + length]


def _box(kind: bytes, content: bytes) -> bytes:
    return _u32(8 + len(content)) + kind + content


def _size(width: int, height: int) -> bytes:
    return _box(b"ispe", _u32(0) + _u32(width) + _u32(height))


def _item(number: int, kind: bytes) -> bytes:
    return _box(b"infe", _u32(2 << 24) + _u16(number) + _u16(0) + kind + b"\0")


def _place(number: int, method: int, offset: int, length: int) -> bytes:
    return _u16(number) + _u16(method) + _u16(0) + _u16(1) + _u32(offset) + _u32(length)


def _u16(number: int) -> bytes:
    return number.to_bytes(2)


def _u32(number: int) -> bytes:
    return number.to_bytes(4)
