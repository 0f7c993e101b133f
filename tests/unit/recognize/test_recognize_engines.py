"""Recognizers of other packages: found by name, and held to their duties."""

import numpy as np
import pytest
from plug_ins import HONEST, install

from glassplate.errors import GlassplateError, UsageError
from glassplate.recognize import engines as engines_module
from glassplate.recognize.engines import engine, engines
from glassplate.recognize.found import Found
from glassplate.recognize.scenes import VehicleScenes

PICTURE = np.zeros((30, 40, 3), dtype=np.uint8)


@pytest.fixture
def offered(tmp_path, monkeypatch):
    """Offer a recognizer named ``other`` with this code."""

    def offer(code: str, name: str = "other", package: str = "plug-in"):
        folder = tmp_path / package
        folder.mkdir()
        install(folder, monkeypatch, name, code, package=package)

    return offer


def test_ours_come_first_and_installed_ones_with_the_package_that_offers_them(offered):
    offered(HONEST)
    assert [one.name for one in engines()][:2] == ["glassplate", "whole-frame"]
    assert {(one.name, one.origin) for one in engines()} >= {
        ("glassplate", "glassplate"),
        ("other", "plug-in"),
        ("fast-alpr", "glassplate"),
    }


def test_an_installed_recognizer_reads_under_its_own_version(offered):
    offered(HONEST)
    recognizer = engine("other")
    assert recognizer.version == "honest/1"
    assert [(one.text, one.box) for one in recognizer.read(PICTURE)] == [("7KDR214", (0, 0, 40, 30))]


def test_listing_imports_nothing(offered):
    offered("raise RuntimeError('imported')")
    assert "other" in {one.name for one in engines()}


def test_our_names_cannot_be_taken(offered, monkeypatch):
    offered(HONEST, name="glassplate")
    monkeypatch.setitem(engines_module._OWN, "glassplate", lambda **_: "ours")
    assert engine("glassplate") == "ours"
    assert [one.origin for one in engines() if one.name == "glassplate"] == ["glassplate"]


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match=r"no recognizer 'tesseract'\. There are: glassplate, whole-frame"):
        engine("tesseract")


def test_a_name_that_two_packages_offer_is_nobodys(offered):
    offered(HONEST)
    offered(HONEST, package="rival")
    with pytest.raises(UsageError, match="'other' is offered twice, by plug-in and rival"):
        engine("other")


DO_NOT_START = {
    "a module that fails": ("raise RuntimeError('no weights here')", "RuntimeError: no weights here"),
    "a module that lacks another": (
        "import absent_module",
        "ModuleNotFoundError: No module named 'absent_module'",
    ),
    "no factory": ("", "AttributeError"),
    "a factory that fails": ("def Recognizer():\n    raise OSError('no network')", "OSError: no network"),
    "a module that ends the process": ("raise SystemExit('later')", "SystemExit: later"),
    "no version": ("class Recognizer:\n    pass", "AttributeError"),
}


@pytest.mark.parametrize(("code", "said"), DO_NOT_START.values(), ids=DO_NOT_START.keys())
def test_a_recognizer_that_does_not_start_is_named_with_its_reason(offered, code, said):
    offered(code)
    with pytest.raises(
        GlassplateError, match=rf"'other' does not start: {said}.*plug_in_module_\d+:Recognizer"
    ):
        engine("other")


def test_its_own_plain_words_are_passed_on(offered):
    offered(
        "from glassplate.errors import GlassplateError\n"
        "def Recognizer():\n    raise GlassplateError('Bring the weights first.')"
    )
    with pytest.raises(GlassplateError, match=r"^Bring the weights first\.$"):
        engine("other")


@pytest.mark.parametrize("version", ["''", "7", "'two\\nlines'", "'v' * 78", "'größe/1'"])
def test_a_version_that_no_charter_and_no_read_can_carry_is_refused(offered, version):
    offered(f"class Recognizer:\n    version = {version}")
    with pytest.raises(GlassplateError, match="'other' names no version"):
        engine("other")


BREAKS_ITS_DUTIES = {
    "something else than candidates": ("return ['7KDR214']", "no PlateCandidate"),
    "nothing that can be counted": ("return None", r"failed on a picture \(TypeError\)"),
    "lower case": ("return [PlateCandidate('7kdr', (0.9,) * 4, (0, 0, 4, 4))]", "not 1 to 16 of A-Z"),
    "no text": ("return [PlateCandidate('', (), (0, 0, 4, 4))]", "not 1 to 16 of A-Z"),
    "seventeen characters": ("return [PlateCandidate('7' * 17, (0.9,) * 17, (0, 0, 4, 4))]", "not 1 to 16"),
    "a confidence above one": ("return [PlateCandidate('7K', (0.9, 1.1), (0, 0, 4, 4))]", "outside 0-1"),
    "a confidence that is no number": (
        "return [PlateCandidate('7', (float('nan'),), (0, 0, 4, 4))]",
        "outside 0-1",
    ),
    "a box beyond the right edge": (
        "return [PlateCandidate('7', (0.9,), (37, 0, 4, 4))]",
        "not lie in the picture",
    ),
    "a box above the top": ("return [PlateCandidate('7', (0.9,), (0, -1, 4, 4))]", "not lie in the picture"),
    "an empty box": ("return [PlateCandidate('7', (0.9,), (0, 0, 4, 0))]", "not lie in the picture"),
    "a box of half pixels": (
        "return [PlateCandidate('7', (0.9,), (0.5, 0, 4, 4))]",
        "not lie in the picture",
    ),
    "a box that is no number": (
        "return [PlateCandidate('7', (0.9,), (0, 0, float('nan'), 4))]",
        "not lie in the picture",
    ),
    "a box beyond every picture": (
        "return [PlateCandidate('7', (0.9,), (0, 0, 1 << 70, 4))]",
        "not lie in the picture",
    ),
    "no box": ("return [PlateCandidate('7', (0.9,), None)]", "not lie in the picture"),
    "ten thousand plates": (
        "return [PlateCandidate('7', (0.9,), (0, 0, 4, 4))] * 10_000",
        "more than 64 plates",
    ),
    "plates without end": (
        "return iter(lambda: PlateCandidate('7', (0.9,), (0, 0, 4, 4)), None)",
        "more than 64 plates",
    ),
    "contradicting itself": (
        "return [PlateCandidate('7K', (0.9,), (0, 0, 4, 4))]",
        r"failed on a picture \(ValueError\)",
    ),
    "a text of bytes": ("return [PlateCandidate(b'7K', (0.9,) * 2, (0, 0, 4, 4))]", "not 1 to 16 of A-Z"),
    "a confidence in words": ("return [PlateCandidate('7', ('sure',), (0, 0, 4, 4))]", "outside 0-1"),
    "a candidate of its own making": (
        "return [type('Own', (PlateCandidate,), {})('7', (0.9,), (0, 0, 4, 4))]",
        "no PlateCandidate",
    ),
    "alternatives that are none": (
        "return [PlateCandidate('7', (0.9,), (0, 0, 4, 4), ('1',))]",
        "one that is no text with a confidence",
    ),
    "an alternative that is no plate": (
        "return [PlateCandidate('7', (0.9,), (0, 0, 4, 4), (Alternative('Mr Smith', 0.1),))]",
        "one that is no text with a confidence",
    ),
    "an alternative that is no number": (
        "return [PlateCandidate('7', (0.9,), (0, 0, 4, 4), (Alternative('1', float('nan')),))]",
        "one that is no text with a confidence",
    ),
    "alternatives without end": (
        "return [PlateCandidate('7', (0.9,), (0, 0, 4, 4), (Alternative('1', 0.1),) * 33)]",
        "more than 32 alternatives",
    ),
    "ending the process": ("raise SystemExit(0)", r"failed on a picture \(SystemExit\)"),
    "failing": ("raise RuntimeError('7KDR214')", r"failed on a picture \(RuntimeError\)"),
}


@pytest.mark.parametrize(("body", "said"), BREAKS_ITS_DUTIES.values(), ids=BREAKS_ITS_DUTIES.keys())
def test_an_answer_that_is_none_is_an_error_that_repeats_no_plate(offered, body, said):
    offered(
        "from glassplate.recognize.recognizer import PlateCandidate\n"
        "from glassplate.records import Alternative\n"
        f"class Recognizer:\n    version = 'broken/1'\n    def read(self, pixels):\n        {body}\n"
    )
    with pytest.raises(GlassplateError, match=f"The recognizer 'other' .*{said}") as caught:
        engine("other").read(PICTURE)
    assert "7KDR214" not in str(caught.value)


def test_an_error_in_plain_words_while_reading_is_passed_on(offered):
    offered(
        "from glassplate.errors import GlassplateError\n"
        "class Recognizer:\n    version = 'broken/1'\n"
        "    def read(self, pixels):\n        raise GlassplateError('The license ended.')\n"
    )
    with pytest.raises(GlassplateError, match=r"^The license ended\.$"):
        engine("other").read(PICTURE)


def test_what_a_plug_in_paints_on_its_picture_is_in_no_evidence(offered):
    offered(HONEST.replace("height, width", "pixels[:] = 255\n        height, width"))
    pixels = PICTURE.copy()
    engine("other").read(pixels)
    assert np.array_equal(pixels, PICTURE)


def test_a_plug_ins_numbers_become_plain_ones_that_it_cannot_change_afterward(offered):
    offered(
        "import numpy as np\n"
        "from glassplate.recognize.recognizer import PlateCandidate\n"
        "class Recognizer:\n    version = 'numpy/1'\n    def read(self, pixels):\n"
        "        return [PlateCandidate('7K', [np.float32(0.5), np.float64(1)], [0, 0, 4, 4])]\n"
    )
    (candidate,) = engine("other").read(PICTURE)
    assert candidate.character_confidences == (0.5, 1.0)
    assert candidate.box == (0, 0, 4, 4)
    assert {type(one) for one in candidate.character_confidences} == {float}


def test_a_plug_in_cannot_pass_for_ours(offered):
    offered(HONEST.replace("honest/1", "glassplate/2@0000"), name="liar")
    with pytest.raises(GlassplateError, match="not ours"):
        engine("liar")


def test_of_a_plug_in_that_calls_the_whole_frame_a_plate_nothing_is_kept(offered):
    offered(HONEST)
    pixels = np.full((480, 640, 3), 200, dtype=np.uint8)
    boxes = [one.box for one in engine("other").read(pixels)]
    everything = lambda _: [Found("car", 0.9, (0, 0, 640, 480))]  # noqa: E731
    (kept,) = VehicleScenes(everything, lambda _: [], lambda _: []).of(pixels, boxes)
    assert kept.crop is kept.scene is None
