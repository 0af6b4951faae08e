"""The shapes of the JSON API. Instants are ISO 8601 in UTC; dates and wall times keep their zone beside them."""

from __future__ import annotations

from enum import StrEnum

from marshmallow import Schema, fields, validate

from marketplace_plugin.bundle.manifest import Category
from marketplace_plugin.engine.context import Phase, RunOutcome, Trigger
from marketplace_plugin.engine.views import ConnectionState, Permission, Policy, RunState, TargetChange
from marketplace_plugin.model.collection import Role
from marketplace_plugin.model.event import ShowAs, Status
from marketplace_plugin.model.item import Kind
from marketplace_plugin.sync.reason import Reason
from marketplace_plugin.web.forms import FUTURE_DAYS, PAST_DAYS

MOST_SOURCES = 1000


def _code(enum: type[StrEnum]) -> fields.Enum[StrEnum]:
    return fields.Enum(enum, by_value=True, required=True)


class Error(Schema):
    """``code`` is stable; ``message`` follows Accept-Language; ``number`` stands in the log where there is one."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    number = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), metadata={"description": "Sentences by field, with code 'invalid'."})


class Integration(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    summary = fields.String(required=True)
    vendor = fields.String(required=True)
    version = fields.String(required=True)
    category = _code(Category)
    kinds = fields.List(_code(Kind), required=True)
    available = fields.Boolean(required=True)
    permission = _code(Permission)
    connections = fields.List(fields.String(), required=True)


class Run(Schema):
    id = fields.String(required=True)
    connection = fields.String(required=True)
    integration = fields.String(required=True)
    trigger = _code(Trigger)
    state = _code(RunState)
    outcome = fields.Enum(RunOutcome, by_value=True, allow_none=True)
    phase = fields.Enum(Phase, by_value=True, allow_none=True)
    done = fields.Integer(required=True)
    total = fields.Integer(allow_none=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    queued_at = fields.AwareDateTime(required=True)
    started_at = fields.AwareDateTime(allow_none=True)
    finished_at = fields.AwareDateTime(allow_none=True)
    error = fields.String(required=True)
    number = fields.String(required=True)
    again_at = fields.AwareDateTime(allow_none=True)


class Step(Schema):
    side = fields.String(required=True)
    action = fields.String(required=True)
    reason = _code(Reason)
    message = fields.String(required=True)
    count = fields.Integer(required=True)


class RunWithSteps(Run):
    steps = fields.List(fields.Nested(Step), required=True)


class Connection(Schema):
    id = fields.String(required=True)
    integration = fields.String(required=True)
    state = _code(ConnectionState)
    account = fields.String(required=True)
    since = fields.AwareDateTime(allow_none=True)
    last_run = fields.Nested(Run, allow_none=True)
    running = fields.Nested(Run, allow_none=True)
    next_due = fields.AwareDateTime(allow_none=True)
    backoff_until = fields.AwareDateTime(allow_none=True)
    error = fields.String(required=True)
    number = fields.String(required=True)
    blocks = fields.Integer(required=True)
    exported = fields.Integer(required=True)
    saved = fields.Boolean(required=True)
    started = fields.Boolean(required=True)
    plan = fields.String(required=True)


class NewConnection(Schema):
    integration = fields.String(required=True, validate=validate.Length(1, 100))


class AddedConnection(Schema):
    id = fields.String(required=True)
    authorize = fields.URL(
        required=True, require_tld=False, metadata={"description": "Where the owner authorises it in his browser."}
    )


class Collection(Schema):
    id = fields.String(required=True)
    title = fields.String(required=True)
    kind = _code(Kind)
    role = fields.Enum(Role, required=True)
    primary = fields.Boolean(required=True)
    shared_by = fields.String(required=True)
    can_be_target = fields.Boolean(required=True)
    is_source = fields.Boolean(required=True)
    is_target = fields.Boolean(required=True)
    is_new = fields.Boolean(required=True)
    listed = fields.Boolean(required=True)
    blocks = fields.Integer(required=True)


class Settings(Schema):
    version = fields.Integer(required=True)
    collections = fields.List(fields.Nested(Collection), required=True)
    switches = fields.List(_code(Kind), required=True)
    past_days = fields.Integer(required=True)
    future_days = fields.Integer(required=True)
    policy = _code(Policy)
    can_invite = fields.Boolean(required=True)
    invites = fields.Boolean(required=True)
    offered = fields.List(_code(Kind), required=True)
    unpermitted = fields.List(_code(Kind), required=True)
    timed_only = fields.Boolean(required=True)
    reload_error = fields.String(required=True)


class SettingsQuery(Schema):
    reload = fields.Boolean(load_default=False, metadata={"description": "Ask the service for its list first."})


class NewSettings(Schema):
    """All of the settings, as they shall be. ``version`` is the one that was read: another one is answered 409."""

    version = fields.Integer(required=True, strict=True, validate=validate.Range(0, 2**31 - 1))
    target = fields.String(required=True, allow_none=True, metadata={"description": "A collection's id, or null."})
    sources = fields.List(fields.String(), required=True, validate=validate.Length(max=MOST_SOURCES))
    others = fields.List(
        fields.String(),
        load_default=list,
        validate=validate.Length(max=2),
        metadata={"description": "The address book and the task list that what is made here goes to."},
    )
    timed_only = fields.Boolean(
        allow_none=True,
        load_default=None,
        metadata={"description": "Tasks without a time are not mirrored; null leaves it as it is."},
    )
    switches = fields.List(fields.Enum(Kind, by_value=True), load_default=list)
    past_days = fields.Integer(
        load_default=30, strict=True, validate=validate.Range(PAST_DAYS.start, PAST_DAYS.stop - 1)
    )
    future_days = fields.Integer(
        load_default=365, strict=True, validate=validate.Range(FUTURE_DAYS.start, FUTURE_DAYS.stop - 1)
    )
    policy = fields.Enum(
        Policy,
        by_value=True,
        allow_none=True,
        load_default=None,
        metadata={"description": "Who wins where both sides changed one field; null leaves it as it is."},
    )
    invites = fields.Boolean(
        allow_none=True,
        load_default=None,
        metadata={"description": "Participants of own events are entered in the copies; null leaves it as it is."},
    )
    target_change = fields.Enum(
        TargetChange,
        by_value=True,
        allow_none=True,
        load_default=None,
        metadata={"description": "Asked for (409, code target-change) where another target leaves copies behind."},
    )


class SavedSettings(Schema):
    version = fields.Integer(required=True)


class Counts(Schema):
    create = fields.Integer(required=True)
    update = fields.Integer(required=True)
    delete = fields.Integer(required=True)


class Plan(Schema):
    id = fields.String(required=True)
    blocks = fields.Integer(required=True, metadata={"description": "Grey blocks; approved or not."})
    host = fields.Nested(Counts, required=True)
    remote = fields.Nested(Counts, required=True)
    mails = fields.Integer(required=True)


class Approval(Schema):
    plan = fields.String(required=True, validate=validate.Length(1, 100))


class StartedRun(Schema):
    run = fields.String(required=True)


class DisconnectQuery(Schema):
    delete_remote = fields.Boolean(
        load_default=False, metadata={"description": "Also delete at the service what was written there."}
    )


class RunsQuery(Schema):
    connection = fields.String(required=True, validate=validate.Length(1, 100))
    limit = fields.Integer(load_default=20, validate=validate.Range(1, 100))


class EventsQuery(Schema):
    """``start`` and ``end``: a window of at most 366 days, end exclusive."""

    owner = fields.String(
        validate=validate.Length(1, 100), metadata={"description": "A person's id; yourself without."}
    )
    start = fields.AwareDateTime(required=True)
    end = fields.AwareDateTime(required=True)


class Entry(Schema):
    """An entry of a calendar in a window. A grey block of somebody else has times, ``show_as`` and ``status`` only."""

    id = fields.String(required=True, metadata={"description": "Unique within the answer."})
    type = fields.String(required=True, validate=validate.OneOf(["event", "block"]))
    all_day = fields.Boolean(required=True)
    start = fields.String(required=True, metadata={"description": "A date, or a wall time."})
    end = fields.String(required=True, metadata={"description": "Exclusive."})
    zone = fields.String(metadata={"description": "IANA zone of the start's wall time."})
    end_zone = fields.String(metadata={"description": "IANA zone of the end's wall time."})
    show_as = _code(ShowAs)
    status = _code(Status)
    title = fields.String()
    location = fields.String()
    description = fields.String()
    link = fields.String(metadata={"description": "Own blocks: what a conversion names."})
    integration = fields.String()
    calendar = fields.String()


class EventList(Schema):
    owner = fields.String(required=True)
    truncated = fields.Boolean(required=True, metadata={"description": "There are more than are listed."})
    entries = fields.List(fields.Nested(Entry), required=True)
