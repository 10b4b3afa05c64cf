"""What people send instead of a photo is refused by its name, and so are photos changed like text."""

import base64
import json
from collections.abc import Callable
from random import Random

import pytest

from claimwatch.domain.photos.photo import examine
from claimwatch.errors import RefusedPhoto
from tests.unit.photos.pictures import encoded, picture

JPEG = encoded(picture(320, 240), "JPEG", quality=92)
PNG = encoded(picture(120, 90), "PNG")
BASE64 = base64.b64encode(JPEG)
FORM = (
    b'--X\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n'
    b"Content-Type: image/jpeg\r\n\r\n" + JPEG + b"\r\n--X--\r\n"
)

OTHERS: list[tuple[str, bytes, str]] = [
    ("base64", BASE64, "is base64 text; send the decoded bytes"),
    ("base64 in lines", base64.encodebytes(JPEG), "is base64 text"),
    ("base64 of a PNG, URL-safe", base64.urlsafe_b64encode(PNG), "is base64 text"),
    ("base64 in quotes", b'"' + BASE64 + b'"\n', "is base64 text"),
    ("base64 by PowerShell", BASE64.decode().encode("utf-16"), "is base64 text"),
    ("data URL", b"data:image/jpeg;base64," + BASE64, r"is base64 text in a data: URL"),
    ("form upload", FORM, r"is a form upload \(multipart/form-data\)"),
    (
        "form upload, other order",
        FORM.replace(b"Content-Disposition", b"content-type: a\r\nx"),
        "form upload",
    ),
    ("e-mail", b"Received: from x\r\n by y\r\nSubject: photo\r\n\r\n" + BASE64, "is an e-mail"),
    ("part of an e-mail", b"Content-Transfer-Encoding: base64\r\n\r\n" + BASE64, "is an e-mail or a part"),
    ("HTTP response", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + JPEG, "is an HTTP response"),
    ("JSON", json.dumps({"name": "a", "data": BASE64.decode()}).encode(), "is JSON text"),
    ("JSON list", b"[1, 2]", "is JSON text"),
    ("API Gateway event", b'\xef\xbb\xbf{"isBase64Encoded": true}', "is JSON text"),
    ("hexadecimal", JPEG.hex().encode(), "is hexadecimal text"),
    ("PostgreSQL bytea", b"\\x" + JPEG.hex().encode(), "is hexadecimal text"),
    ("uuencoded", b"begin 644 a.jpg\nM_]C_", "is uuencoded text"),
    ("HTML", b"\n<!DOCTYPE html><html><body>login</body></html>", r"is a web page \(HTML\)"),
    ("HTML after a comment", b"<!-- x --><html>", r"is a web page \(HTML\)"),
    (
        "error of S3",
        b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>',
        "error message in XML",
    ),
    ("XML", b'<?xml version="1.0"?><claims/>', "is an XML document"),
    (
        "SVG",
        b'<?xml version="1.0"?>\n<!-- a -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
        "is an SVG drawing",
    ),
    (
        "Git LFS pointer",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "is a Git LFS pointer",
    ),
    ("text", b"photo will follow", "is text; send"),
    ("text that starts like a bitmap", b"BMW 320d, front left, see next mail", "is text; send"),
    ("PDF", b"%PDF-1.7\n%\xe2\xe3", "is a PDF"),
    ("MP4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "is a video"),
    ("QuickTime", b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "is a video"),
    ("QuickTime of an old camera", b"\0\0\0\x08wide\0\0\x10\0mdat", "is a video"),
    ("AVI", b"RIFF\0\0\0\0AVI LIST", "is a video"),
    ("Matroska", b"\x1a\x45\xdf\xa3\x01", "is a video"),
    ("M4A", b"\0\0\0\x18ftypM4A \0\0\0\0M4A ", "is a sound recording"),
    ("ZIP", b"PK\x03\x04\x14\0\0\0", "is a ZIP archive; send each photo"),
    ("RAR", b"Rar!\x1a\x07\0", "is a RAR archive"),
    ("gzip", b"\x1f\x8b\x08\0", "is compressed with gzip"),
    ("Canon raw", b"II*\0\x10\0\0\0CR\x02\0", "is a camera's raw data; send the photo as JPEG"),
    ("Canon raw of today", b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "is a camera's raw data"),
    ("Fujifilm raw", b"FUJIFILMCCD-RAW 0201", "is a camera's raw data"),
    ("Panasonic raw", b"IIU\0\x18\0\0\0", "is a camera's raw data"),
    ("Olympus raw", b"IIRO\x08\0\0\0", "is a camera's raw data"),
    ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n", "is JPEG XL"),
    ("JPEG XL without boxes", b"\xff\x0a\xfa\x1f", "is JPEG XL"),
    ("JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n", "is JPEG 2000"),
    ("JPEG 2000 without boxes", b"\xff\x4f\xff\x51\0\x2f", "is JPEG 2000"),
    ("Photoshop", b"8BPS\0\1", "is a Photoshop document"),
    ("list of previews", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Thumbs.db"),
    ("side file of macOS", b"\0\x05\x16\x07\0\x02\0\0Mac OS X", "is a side file of macOS"),
    ("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n", "is a PostScript document"),
    ("zeros", bytes(5000), "contains only zeros; send it again"),
    ("nothing", b"", "is empty; send it again"),
    ("noise", Random(1).randbytes(500), "is not a photo, or its beginning is damaged"),
]


@pytest.mark.parametrize(("data", "reason"), [pytest.param(*rest, id=name) for name, *rest in OTHERS])
def test_another_file_is_refused_by_its_name(data: bytes, reason: str) -> None:
    with pytest.raises(RefusedPhoto, match=reason) as refused:
        examine(data)
    assert "; s" in str(refused.value)


MANGLINGS: dict[str, Callable[[bytes], bytes]] = {
    "LF becomes CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "line ends become CRLF": lambda data: data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"),
    "read as UTF-8": lambda data: data.decode("utf-8", "replace").encode(),
    "Latin-1 becomes UTF-8": lambda data: data.decode("latin-1").encode(),
    "seven bits": lambda data: bytes(byte & 0x7F for byte in data),
    "question marks": lambda data: data.decode("ascii", "replace").encode("ascii", "replace"),
    "printed by Python": lambda data: repr(data).encode(),
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF"])
@pytest.mark.parametrize("how", MANGLINGS)
def test_a_photo_changed_as_if_it_were_text_is_refused_with_that_reason(how: str, form: str) -> None:
    data = MANGLINGS[how](encoded(picture(480, 360), form))
    ascii_signature = form in {"WEBP", "HEIF", "AVIF"} and how in {
        "Latin-1 becomes UTF-8",
        "seven bits",
        "question marks",
    }
    reason = "; s" if ascii_signature else "was changed as if it were text .*; send the original file again"
    with pytest.raises(RefusedPhoto, match=reason):
        examine(data)


@pytest.mark.parametrize(("old", "new"), [(b"\r\n", b"\n"), (b"\r", b"\n")])
@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_large_photo_that_lost_its_carriage_returns_is_refused_with_that_reason(
    form: str, old: bytes, new: bytes
) -> None:
    noise = Random(5).randbytes(1400 * 1000 * 3)
    image = picture(1400, 1000)
    image.frombytes(noise)
    data = encoded(image, form, **({"quality": 97} if form == "JPEG" else {}))
    assert len(data) > 1_500_000
    with pytest.raises(RefusedPhoto, match="was changed as if it were text"):
        examine(data.replace(old, new))


def test_a_flat_picture_is_not_taken_for_changed_text() -> None:
    for colour in ((10, 13, 10), (13, 10, 13), (128, 128, 128), (255, 255, 255)):
        image = picture(600, 400)
        image.paste(colour, (0, 0, 600, 400))
        for form in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"):
            assert examine(encoded(image, form)).width == 600
