"""Reading ``manifest.yaml``: YAML without surprises, then a marshmallow schema whose errors name file, key and what was
expected. ``docs/vendor-guide.md`` shows a manifest whole.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from marketplace_plugin.bundle.manifest import (
    PLACEHOLDER,
    SHARED,
    AdminConsent,
    Auth,
    AuthType,
    BrokenEntry,
    Category,
    FormField,
    HandOver,
    Integration,
    Level,
    Manifest,
    Permission,
    Scope,
    ScopeMatch,
    Setting,
    Stage,
    Text,
)
from marketplace_plugin.contract.servers import read_entry
from marketplace_plugin.errors import ManifestError
from marketplace_plugin.model.item import Kind

MANIFEST = "manifest.yaml"
SLOTS = frozenset(
    {
        "marketplace.card",
        "marketplace.detail",
        "profile.connect",
        "profile.result",
        "profile.settings",
        "calendar.menu",
        "admin.row",
    }
)

_ID = validate.Regexp(r"[a-z][a-z0-9_]*\Z", error="expected lower-case letters, digits and _, starting with a letter")
_MODULE = validate.Regexp(r"[a-z][a-z0-9_]*\Z", error="expected the name of a module below hooks/, without .py")
_ENV = validate.Regexp(r"[A-Z][A-Z0-9_]*\Z", error="expected the name of an environment variable, in capitals")
_VERSION = validate.Regexp(r"\d+(\.\d+){1,2}([-+.]\w+)*\Z", error='expected a version such as "1.0.0", in quotes')
_TONE = validate.Regexp(r"t[0-5]\Z", error="expected a tone from t0 to t5")
_FILLED = validate.Length(min=1, error="expected at least one")
_FEATURES = (*(kind.value for kind in Kind), SHARED)
_FEATURE = validate.OneOf(_FEATURES, error=f"expected one of: {', '.join(_FEATURES)}")


def _url(value: str) -> None:
    """One that begins with a setting is looked at again when the settings are known."""
    parts = urlsplit(value)
    if not PLACEHOLDER.match(value) and (parts.scheme != "https" or not parts.hostname):
        raise ValidationError("expected an address that starts with https://")


def _server(value: str) -> None:
    try:
        read_entry(value)
    except ValueError:
        raise ValidationError("expected the name of a server, or *. and a domain") from None


def _one_of(enum: Any, default: Any = None) -> fields.Enum[Any]:
    names = ", ".join(member.value for member in enum)
    given: dict[str, Any] = {"required": True} if default is None else {"load_default": default}
    return fields.Enum(enum, by_value=True, error_messages={"unknown": f"expected one of: {names}"}, **given)


_Messages = dict[str, str | list[Any] | dict[Any, Any]]
_OF_MAPPINGS = {"type": "expected a mapping of keys to values", "unknown": "unknown key"}
_OF_TEXTS: _Messages = {
    "required": "missing: expected a text",
    "null": "expected a text, found nothing",
    "invalid": "expected a text (put quotes around it)",
}
_OF_LISTS: _Messages = {"required": "missing: expected a list", "invalid": "expected a list"}


class _Strict(Schema):
    error_messages = _OF_MAPPINGS


class _String(fields.String):
    """A text that is not empty. YAML's numbers and booleans are refused, not turned into text."""

    default_error_messages = _OF_TEXTS

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not text or not text.strip():
            raise ValidationError("expected a text that is not empty")
        return text.strip()


class _Many(fields.List[Any]):
    default_error_messages = _OF_LISTS


_BOTH = "expected the keys de and en, each with a text"


class _TextSchema(_Strict):
    error_messages = _OF_MAPPINGS | {"type": _BOTH}
    de = _String(required=True, error_messages={"required": "missing: expected the German text"})
    en = _String(required=True, error_messages={"required": "missing: expected the English text"})

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Text:
        return Text(**data)


def _text() -> fields.Nested:
    return fields.Nested(_TextSchema, required=True, error_messages={"required": f"missing: {_BOTH}"})


class _PermissionSchema(_Strict):
    area = _text()
    level = _one_of(Level)
    why = _text()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Permission:
        return Permission(**data)


class _ScopeSchema(_Strict):
    name = _String(required=True)
    required = fields.Boolean(load_default=True)
    feature = fields.String(load_default="", validate=_FEATURE)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Scope:
        return Scope(**data)


class _AdminConsentSchema(_Strict):
    url = _String(required=True, validate=_url)
    instead = fields.Dict(keys=_String(), values=_String(), load_default=dict)
    needed = _Many(_String(), load_default=list)
    declined = _Many(_String(), load_default=list)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> AdminConsent:
        return AdminConsent(data["url"], tuple(data["instead"].items()), tuple(data["needed"]), tuple(data["declined"]))


class _FormFieldSchema(_Strict):
    name = _String(required=True, validate=_ID)
    secret = fields.Boolean(load_default=False)
    required = fields.Boolean(load_default=True)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> FormField:
        return FormField(**data)


class _HandOverSchema(_Strict):
    to = _String(required=True, validate=_ID)
    hosts = _Many(_String(validate=_server), required=True, validate=_FILLED)

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> HandOver:
        return HandOver(data["to"], tuple(data["hosts"]))


class _AuthSchema(_Strict):
    type = _one_of(AuthType)
    authorize_url = _String(validate=_url)
    token_url = _String(validate=_url)
    revoke_url = _String(validate=_url)
    issuer = _String(validate=_url)
    tenant_claim = _String()
    scopes = _Many(fields.Nested(_ScopeSchema), load_default=list)
    scope_match = _one_of(ScopeMatch, ScopeMatch.EXACT)
    admin_consent = fields.Nested(_AdminConsentSchema)
    params = fields.Dict(keys=_String(), values=_String(), load_default=dict)
    form_fields = _Many(fields.Nested(_FormFieldSchema), data_key="fields", load_default=list)
    hand_over = fields.Nested(_HandOverSchema)

    @validates_schema
    def whole(self, data: dict[str, Any], **_: Any) -> None:
        given = {key for key, value in data.items() if value and value is not ScopeMatch.EXACT}
        if data["type"] is AuthType.FORM:
            if extra := sorted(given - {"type", "form_fields", "hand_over"}):
                raise ValidationError("unknown key for type form", extra[0])
            return
        if extra := sorted(given & {"form_fields", "hand_over"}):
            raise ValidationError("only for type form", extra[0].removeprefix("form_"))
        for key in ("authorize_url", "token_url"):
            if key not in data:
                raise ValidationError("missing: expected an address, as the type is oauth2", key)
        if not data["scopes"]:
            raise ValidationError("expected at least one scope, as the type is oauth2", "scopes")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Auth:
        params, entered = tuple(data.pop("params").items()), tuple(data.pop("form_fields"))
        return Auth(scopes=tuple(data.pop("scopes")), params=params, fields=entered, **data)


class _SettingSchema(_Strict):
    env = _String(required=True, validate=_ENV)
    default = _String()
    required = fields.Boolean(load_default=False)
    secret = fields.Boolean(load_default=False)


class IntegrationSchema(_Strict):
    """One entry of ``integrations``."""

    id = _String(required=True, validate=_ID)
    name = _text()
    summary = _text()
    points = _Many(_text(), required=True, validate=_FILLED)
    service = _String(required=True)
    search = _Many(_String(), load_default=list)
    version = _String(required=True, validate=_VERSION)
    vendor = _String(required=True)
    category = _one_of(Category)
    kinds = _Many(_one_of(Kind), required=True, validate=_FILLED)
    permissions = _Many(fields.Nested(_PermissionSchema), required=True, validate=_FILLED)
    requirements = _Many(_text(), load_default=list)
    auth = fields.Nested(_AuthSchema, required=True)
    settings = fields.Dict(keys=_String(validate=_ID), values=fields.Nested(_SettingSchema), load_default=dict)
    hooks = _String(validate=_MODULE)
    fragments = fields.Dict(keys=_String(), values=_String(), load_default=dict)
    icon = _String(load_default="calendar-days")
    tone = _String(load_default="t0", validate=_TONE)
    license = _String(load_default="")
    stage = fields.Enum(Stage, by_value=True, load_default=Stage.AVAILABLE)

    @validates_schema
    def whole(self, data: dict[str, Any], **_: Any) -> None:
        if data["stage"] is Stage.AVAILABLE and "hooks" not in data:
            raise ValidationError("missing: expected the name of a module below hooks/", "hooks")
        for slot in data["fragments"]:
            if slot not in SLOTS:
                known = ", ".join(sorted(SLOTS))
                raise ValidationError(
                    {slot: [_nearest(slot, SLOTS) or f"unknown slot; expected one of: {known}"]}, "fragments"
                )

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Integration:
        settings = tuple(Setting(name, **facts) for name, facts in data.pop("settings").items())
        fragments = tuple(data.pop("fragments").items())
        for key in ("points", "search", "kinds", "permissions", "requirements"):
            data[key] = tuple(data[key])
        made = Integration(settings=settings, fragments=fragments, **data)
        _check_addresses(made)
        return made


def _check_addresses(made: Integration) -> None:
    """What the settings' defaults make of the service's addresses. Raises ValidationError."""
    for name, address in made.addresses({s.name: s.default for s in made.settings if s.default}).items():
        if unknown := PLACEHOLDER.search(address):
            said = f"expected {unknown[0]} to name a setting that has a default"
        elif address and not address.startswith("https://"):
            said = "expected an address that starts with https://"
        else:
            continue
        at = {"admin_consent": {"url": [said]}} if name == "admin_consent_url" else {name: [said]}
        raise ValidationError({"auth": at})


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses a key given twice instead of taking the last one."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} is given twice", problem_mark=key_node.start_mark)
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_manifest(path: Path) -> Manifest:
    """The manifest at ``path``. An entry that does not fit is in ``broken``, and the others stand.

    Raises ManifestError where the file as a whole cannot be read.
    """
    file = path.name
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506  # _Loader is a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"{file}: cannot be read ({type(error).__name__})", file=file, expected="a file in UTF-8"
        ) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = error.problem or "this is no YAML"
        raise ManifestError(
            f"{file}, line {line}: {problem}", file=file, key=f"line {line}", expected="YAML"
        ) from error
    return _manifest(document, file)


def _manifest(document: Any, file: str) -> Manifest:
    if not isinstance(document, dict) or set(document) != {"bundle", "integrations"}:
        raise _error(file, "", "expected the keys bundle and integrations, and no other")
    bundle, entries = document["bundle"], document["integrations"]
    if not isinstance(bundle, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", bundle):
        raise _error(file, "bundle", "expected lower-case letters, digits and _, starting with a letter")
    if not isinstance(entries, list) or not entries:
        raise _error(file, "integrations", "expected a list with at least one entry")
    good: list[Integration] = []
    broken: list[BrokenEntry] = []
    for at, entry in enumerate(entries):
        name = str(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"integrations[{at}]"
        try:
            integration: Integration = IntegrationSchema().load(entry)
        except ValidationError as error:
            errors = tuple(
                _error(file, key, expected) for key, expected in _flat(error.messages, f"integrations[{at}]")
            )
            broken.append(BrokenEntry(name, errors))
            continue
        if error_here := _clash(integration, good):
            broken.append(BrokenEntry(name, (_error(file, f"integrations[{at}].{error_here[0]}", error_here[1]),)))
        else:
            good.append(integration)
    return Manifest(bundle, tuple(good), tuple(broken))


def _clash(new: Integration, taken: list[Integration]) -> tuple[str, str] | None:
    if any(new.id == other.id for other in taken):
        return "id", f"expected an id of its own; {new.id} is given above"
    if new.hooks and any(new.hooks == other.hooks for other in taken):
        return "hooks", f"expected a module of its own; hooks/{new.hooks}.py belongs to an entry above"
    return None


def _flat(messages: Any, path: str) -> Iterator[tuple[str, str]]:
    """marshmallow's nested messages as (key path, what was expected)."""
    if not isinstance(messages, dict):
        for text in messages:
            yield path, _with_hint(path, str(text))
        return
    for key, inner in messages.items():
        if key in ("_schema", "key", "value"):
            yield from _flat(inner, path)
        else:
            yield from _flat(inner, f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}".lstrip("."))


def _with_hint(path: str, text: str) -> str:
    if text != "unknown key":
        return text
    owner = re.sub(r"\[\d+\]", "", path).rpartition(".")[0].rpartition(".")[2]
    schemas: dict[str, type[Schema]] = {
        "integrations": IntegrationSchema,
        "auth": _AuthSchema,
        "admin_consent": _AdminConsentSchema,
        "scopes": _ScopeSchema,
        "fields": _FormFieldSchema,
        "hand_over": _HandOverSchema,
        "permissions": _PermissionSchema,
    }
    known = schemas.get(owner, _TextSchema)().fields
    return _nearest(path.rpartition(".")[2], known) or f"unknown key; expected one of: {', '.join(sorted(known))}"


def _nearest(name: str, known: Any) -> str | None:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"unknown; did you mean {near[0]}?" if near else None


def _error(file: str, key: str, expected: str) -> ManifestError:
    where = f"{file}: {key}: " if key else f"{file}: "
    return ManifestError(where + expected, file=file, key=key, expected=expected)
