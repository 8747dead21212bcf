"""Templates, scripts and styles are part of the wheel: nothing else carries them to whoever installs it."""

from __future__ import annotations

import tomllib
from importlib.resources import files

from builders.places import ROOT


def test_templates_scripts_and_styles_lie_in_the_package() -> None:
    """The wheel takes the whole folder of the package."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "src/logoingest" in wheel["only-include"]
    for folder, names in {"templates": {"page.html", "queue.html"}, "static": {"page.css", "page.js", "queue.js"}}.items():
        assert names <= {one.name for one in (files("logoingest.web.pages") / folder).iterdir()}


def test_no_page_loads_anything_from_elsewhere_or_holds_a_script_or_style_of_its_own() -> None:
    """The content security policy would refuse it."""
    for template in (files("logoingest.web.pages") / "templates").iterdir():
        text = template.read_text("utf-8")
        assert "http://" not in text, template.name
        assert "https://" not in text, template.name
        assert " style=" not in text, template.name
        assert " on" + "click=" not in text, template.name
        assert "|safe" not in text.replace(" ", ""), template.name
