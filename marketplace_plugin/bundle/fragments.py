"""Fragments: Jinja templates of a bundle that fill a slot of our pages. They are parts of a page, never a whole one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from jinja2 import BaseLoader, Environment, TemplateNotFound, TemplateSyntaxError

PREFIX = "fragments"  # the first part of the template names below
SUFFIX = ".html"


class FragmentLoader(BaseLoader):
    """Finds ``fragments/<integration>/<file>`` below the ``ui_fragments/`` of that integration's bundle.

    A name leads into the bundle's own folder or nowhere: no ``..``, no absolute path, no link out of it; and to what
    ends in ``.html``, because nothing else is escaped. ``roots`` maps an integration's id to the folder, and is read at
    each look-up.
    """

    def __init__(self, roots: Mapping[str, Path]) -> None:
        self._roots = roots

    def get_source(self, environment: Environment, template: str) -> tuple[str, str, Callable[[], bool]]:  # noqa: ARG002  # Jinja's signature
        path = self._path(template)
        if path is None:
            raise TemplateNotFound(template)
        modified = path.stat().st_mtime_ns
        return path.read_text(encoding="utf-8"), str(path), lambda: _unchanged(path, modified)

    def finds(self, template: str) -> bool:
        return self._path(template) is not None

    def list_templates(self) -> list[str]:
        return sorted(
            f"{PREFIX}/{integration}/{path.relative_to(root).as_posix()}"
            for integration, root in self._roots.items()
            for path in root.rglob("*.html")
        )

    def _path(self, template: str) -> Path | None:
        parts = PurePosixPath(template).parts
        if len(parts) < 3 or parts[0] != PREFIX or ".." in parts or not template.endswith(SUFFIX):
            return None
        root = self._roots.get(parts[1])
        path = (root / Path(*parts[2:])).resolve() if root else None
        return path if root and path and path.is_relative_to(root.resolve()) and path.is_file() else None


def template_name(integration: str, file: str) -> str:
    """The template name of a fragment's file, as the manifest names it."""
    return f"{PREFIX}/{integration}/{file}"


def _unchanged(path: Path, modified: int) -> bool:
    return path.is_file() and path.stat().st_mtime_ns == modified


_BREACHES = (
    (re.compile(r"{%-?\s*extends\b"), "extends a base template"),
    (re.compile(r"<(script|style|link|iframe)\b", re.IGNORECASE), "brings a script, a style sheet or a frame"),
    (re.compile(r"\son[a-z]+\s*=", re.IGNORECASE), "has an inline event handler"),
    (re.compile(r"<h1\b", re.IGNORECASE), "has a heading above h2"),
    (re.compile(r"<(html|head|body|main)\b", re.IGNORECASE), "brings a page's frame"),
)
_ID = re.compile(r'\sid="([^"]*)"')


def faults(integration: str, file: str, source: str) -> Iterator[str]:
    """What is wrong with a fragment, one sentence each; ``bundle check`` prints them."""
    try:
        Environment(extensions=["jinja2.ext.i18n"]).parse(source)  # noqa: S701  # nothing is shown of it
    except TemplateSyntaxError as error:
        yield f"{file}, line {error.lineno}: {error.message}"
    for said in breaches(integration, source):
        yield f"{file} {said}"


def breaches(integration: str, source: str) -> Iterator[str]:
    """What a fragment does that the vendor guide rules out, one sentence each."""
    for pattern, said in _BREACHES:
        if pattern.search(source):
            yield said
    for name in _ID.findall(source):
        if not name.startswith(f"{integration}-"):
            yield f'has the id "{name}", which does not start with "{integration}-"'
