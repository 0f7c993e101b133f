import ctypes
import io
import os
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recognize_testing import bomb, encoded, jpeg, png

from glassplate.errors import GlassplateError, InputRefused
from glassplate.recognize import _cage
from glassplate.recognize.decode import MAX_IMAGE_BYTES, Decoder

MUTANTS = 120


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as decoder:
        yield decoder


def worker_id(decoder: Decoder) -> int:
    decoder.decode(jpeg(), "warm.jpg")
    return decoder._worker._process.pid


def zip_file() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("plate.txt", "7KDR214")
    return buffer.getvalue()


NOT_IMAGES = {
    "text": b"this is no picture",
    "GIF under a JPEG's name": encoded(Image.new("L", (9, 9)), "GIF"),
    "BMP under a JPEG's name": encoded(Image.new("RGB", (9, 9)), "BMP"),
    "TIFF under a JPEG's name": encoded(Image.new("RGB", (9, 9)), "TIFF"),
    "SVG under a JPEG's name": b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "ZIP under a JPEG's name": zip_file(),
    "EPS under a JPEG's name": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "one byte": b"\xff",
}


@pytest.mark.parametrize("data", NOT_IMAGES.values(), ids=NOT_IMAGES.keys())
def test_what_is_no_jpeg_or_png_is_refused_by_content(decoder, data):
    with pytest.raises(InputRefused, match=r"^street\.jpg is not a JPEG or PNG image\.$"):
        decoder.decode(data, "street.jpg")


DAMAGED = {
    "JPEG cut in the middle": jpeg(400, 300)[:-900],
    "JPEG cut in its header": jpeg()[:30],
    "PNG cut in the middle": png(400, 300)[:-300],
    "PNG with a flipped bit in its pixels": png()[:-40] + bytes([png()[-40] ^ 1]) + png()[-39:],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_image_is_refused(decoder, data):
    with pytest.raises(InputRefused, match=r"street\.jpg is (damaged|not a JPEG)"):
        decoder.decode(data, "street.jpg")


def test_an_empty_file_is_refused(decoder):
    with pytest.raises(InputRefused, match=r"street\.jpg is empty \(0 bytes\)"):
        decoder.decode(b"", "street.jpg")


def test_a_file_of_too_many_bytes_is_refused(decoder):
    with pytest.raises(InputRefused, match=r"has 20\.0 MB; at most 20 are accepted"):
        decoder.decode(bytes(MAX_IMAGE_BYTES + 1), "street.jpg")


def test_a_bomb_is_refused_before_it_is_decoded_and_the_worker_lives_on():
    with Decoder() as decoder:
        _offer_bombs(decoder)


def _offer_bombs(decoder: Decoder) -> None:
    worker = worker_id(decoder)
    with pytest.raises(
        InputRefused, match=r"12000×12000 pixels = 144 megapixels; at most 25 are accepted\. Scale it down"
    ):
        decoder.decode(bomb(12_000, 12_000), "street.png")
    with pytest.raises(InputRefused, match="10000×10000 pixels = 100 megapixels"):
        decoder.decode(bomb(10_000, 10_000), "street.png")
    assert worker_id(decoder) == worker
    assert _peak_megabytes(worker) < 150


def test_a_long_thin_image_is_refused(decoder):
    with pytest.raises(InputRefused, match="8193×4 pixels; a side may have at most 8192"):
        decoder.decode(bomb(8_193, 4), "street.png")


def test_the_largest_accepted_picture_is_decoded(decoder):
    assert decoder.decode(bomb(5_000, 5_000), "street.png").shape == (5_000, 5_000, 3)


def test_pixels_are_the_pictures_own(decoder):
    picture = np.asarray(Image.open(io.BytesIO(png())))
    assert np.array_equal(decoder.decode(png(), "street.png"), picture)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_png_becomes_rgb(decoder, mode):
    picture = (
        Image.new(mode, (5, 3), 40_000) if mode == "I;16" else Image.new("RGB", (5, 3), "white").convert(mode)
    )
    pixels = decoder.decode(encoded(picture, "PNG"), "street.png")
    assert pixels.shape == (3, 5, 3)
    assert pixels.min() > 120


def test_a_picture_is_turned_upright_by_its_exif_orientation(decoder):
    picture = Image.new("RGB", (40, 20), "black")
    picture.paste("white", (0, 0, 20, 20))
    exif = picture.getexif()
    exif[0x0112] = 6
    pixels = decoder.decode(encoded(picture, "JPEG", exif=exif), "street.jpg")
    assert pixels.shape == (40, 20, 3)
    assert pixels[:18].min() > 200
    assert pixels[22:].max() < 60


def test_mutants_are_decoded_or_refused_and_nothing_else(decoder):
    randomness = random.Random(20_261)
    seeds = [
        jpeg(120, 90),
        jpeg(64, 64, progressive=True),
        png(80, 60),
        encoded(Image.new("P", (30, 30)), "PNG"),
    ]
    refused = 0
    for number in range(MUTANTS):
        mutant = _mutated(seeds[number % len(seeds)], randomness)
        try:
            pixels = decoder.decode(mutant, "mutant")
        except InputRefused:
            refused += 1
        else:
            assert pixels.dtype == np.uint8
            assert pixels.ndim == 3
    assert 0 < refused < MUTANTS
    assert decoder.decode(jpeg(), "street.jpg").shape == (48, 64, 3)


def test_a_worker_that_died_is_replaced_and_the_next_image_not_blamed(decoder):
    worker = worker_id(decoder)
    os.kill(worker, signal.SIGKILL)
    decoder._worker._process.wait()
    assert decoder.decode(jpeg(), "street.jpg").shape == (48, 64, 3)
    assert worker_id(decoder) != worker


def test_an_image_that_hangs_the_worker_is_refused_in_time_and_the_next_one_decoded():
    with Decoder(seconds_for_one_image=0.5) as decoder:
        worker = worker_id(decoder)
        os.kill(worker, signal.SIGSTOP)
        with pytest.raises(InputRefused, match=r"street\.jpg was not decoded within 0\.5 seconds"):
            decoder.decode(jpeg(), "street.jpg")
        assert not Path(f"/proc/{worker}").exists()
        decoder._seconds_for_one_image = 20
        assert decoder.decode(jpeg(), "street.jpg").shape == (48, 64, 3)


def test_leaving_the_block_ends_the_worker():
    with Decoder() as decoder:
        worker = worker_id(decoder)
    assert not Path(f"/proc/{worker}").exists()


def test_a_worker_that_cannot_start_is_no_fault_of_the_image(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Decoder() as decoder, pytest.raises(GlassplateError, match="image decoder does not start") as caught:
        decoder.decode(jpeg(), "street.jpg")
    assert not isinstance(caught.value, InputRefused)


def test_the_running_worker_is_caged(decoder):
    process = Path(f"/proc/{worker_id(decoder)}")
    limits = (process / "limits").read_text().splitlines()
    soft_and_hard = {line[:26].strip(): line[26:].split()[:2] for line in limits[1:]}
    assert soft_and_hard["Max open files"] == ["3", "3"]
    assert soft_and_hard["Max file size"] == ["0", "0"]
    assert soft_and_hard["Max core file size"] == ["0", "0"]
    assert soft_and_hard["Max address space"] == ["700000000", "700000000"]
    assert "NoNewPrivs:\t1" in (process / "status").read_text()
    if os.geteuid() == 0:  # nobody else looks into a process that hides its memory
        assert (process / "environ").read_bytes() == b""


ESCAPES = {
    "create an empty file": "os.open(target, os.O_CREAT | os.O_WRONLY)",
    "write to a file opened before": "kept.write(b'x') and kept.flush()",
    "read a file": "open('/etc/passwd')",
    "open a socket": "socket.socket()",
    "start a program": "subprocess.run(['/bin/true'])",
}
LANDLOCK_ESCAPES = {
    "make a folder": "os.mkdir(target)",
    "make a link": "os.symlink('/', target)",
    "remove a file": "os.unlink(victim)",
    "list a folder": "os.listdir('/')",
}


@pytest.mark.parametrize("attempt", [*ESCAPES.values(), *LANDLOCK_ESCAPES.values()])
def test_code_inside_the_cage_cannot(attempt, tmp_path):
    if attempt in LANDLOCK_ESCAPES.values() and not _kernel_has_landlock():
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "victim").write_text("here")
    program = f"""
import os, signal, socket, subprocess
from glassplate.recognize import _decode_worker
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
target, victim = {str(tmp_path / "target")!r}, {str(tmp_path / "victim")!r}
kept = os.fdopen(os.dup2(os.open({str(tmp_path / "kept")!r}, os.O_CREAT | os.O_WRONLY), 2), "wb")
os.closerange(3, 64)
_decode_worker._close_cage()
try:
    {attempt}
except OSError as error:
    os.write(1, b"refused")
else:
    os.write(1, b"escaped")
os._exit(0)
"""
    run = subprocess.run(
        [sys.executable, "-I", "-c", program], stdout=subprocess.PIPE, timeout=60, check=True
    )
    assert run.stdout == b"refused"
    assert not (tmp_path / "target").exists()
    assert (tmp_path / "victim").read_text() == "here"
    assert (tmp_path / "kept").read_bytes() == b""


def _mutated(data: bytes, randomness: random.Random) -> bytes:
    mutant = bytearray(data)
    for _ in range(randomness.randint(1, 6)):
        at = randomness.randrange(len(mutant))
        kind = randomness.randrange(4)
        if kind == 0:
            mutant[at] ^= 1 << randomness.randrange(8)
        elif kind == 1:
            mutant[at : at + 2] = randomness.randbytes(2)
        elif kind == 2:
            del mutant[at : at + randomness.randint(1, 8)]
        else:
            mutant[at:at] = mutant[: randomness.randint(1, 20)]
        if len(mutant) < 2:
            return data[:2]
    return bytes(mutant)


def _peak_megabytes(process_id: int) -> float:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


def _kernel_has_landlock() -> bool:
    return ctypes.CDLL(None).syscall(_cage._LANDLOCK_CREATE_RULESET, None, 0, 1) >= 1
