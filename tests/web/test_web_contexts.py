"""Pages and templates fit each other, and the fake fits the real client."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil

from fake_vault import FakeClient, FakeVault

import glassplate.web
from glassplate.client import VaultClient
from glassplate.web.pages import STATIC, TEMPLATES


def contexts() -> dict[str, list[type]]:
    """Template -> the page classes that name it."""
    found: dict[str, list[type]] = {}
    for module_info in pkgutil.walk_packages(glassplate.web.__path__, "glassplate.web."):
        module = importlib.import_module(module_info.name)
        for thing in vars(module).values():
            if (
                inspect.isclass(thing)
                and thing.__module__ == module.__name__
                and dataclasses.is_dataclass(thing)
            ):
                template = getattr(thing, "template", None)
                if isinstance(template, str):
                    found.setdefault(template, []).append(thing)
    return found


def test_every_template_belongs_to_a_documented_page_and_every_page_has_its_template() -> None:
    files = {str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")}
    pieces = {"base.html", "_parts.html"}

    assert set(contexts()) == files - pieces
    assert all(page.__doc__ and page.__doc__.strip() for pages in contexts().values() for page in pages)


def test_no_template_has_an_inline_script_style_or_handler() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert " style=" not in text, path
        assert " onclick=" not in text, path
        assert "<script>" not in text, path
        assert "|safe" not in text, path


def test_our_own_static_files_name_no_other_host() -> None:
    for path in STATIC.glob("*.*"):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path


def test_the_fake_answers_only_calls_that_the_real_client_has_with_the_same_arguments() -> None:
    for name, fake in inspect.getmembers(FakeClient, inspect.isfunction):
        if not name.startswith("_"):
            real = getattr(VaultClient, name)
            assert list(inspect.signature(fake).parameters) == list(inspect.signature(real).parameters), name


def test_no_secret_or_plate_is_in_a_pages_repr() -> None:
    from glassplate.web.forms import PostedForm
    from glassplate.web.officer.search_form import SearchForm
    from glassplate.web.signing_in import LinkPage

    shown = repr(SearchForm.posted(PostedForm({"plate": ("7KDR214",)}))) + repr(LinkPage("s3cret"))

    assert "7KDR214" not in shown
    assert "s3cret" not in shown
    assert "KDR" not in repr(FakeVault().reads[0])
