"""Section models: the list of models and the model object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node, repeats
from contract_tests.rules.engine.subjects import bodies, exchanges, model_lists, model_objects, only
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import always, complain_unless_object, complain_unless_time

models = Section("models", "The list of models and the model object", see.MODEL_OBJECT)


@models.rule(
    "is-object",
    over=only(bodies, lambda view: view.endpoint in ("models", "model") and view.ok),
    see=see.MODELS,
    harm="openai-python's `models.list()` raises AttributeError on a bare list",
)
def is_object(view: View) -> Iterable[Complaint]:
    """The list of models is one JSON object, and so is a model."""
    return complain_unless_object(view)


@models.rule(
    "list-object",
    over=model_lists,
    see=see.MODELS,
    basis=always("list"),
    harm="clients that tell lists apart by `object` find no models",
)
def list_object(root: Node) -> Iterable[Complaint]:
    """`object` of the list is "list"."""
    if root["object"].value != "list":
        yield root["object"], str(root["object"]), '"list"'


@models.rule("list-data", over=model_lists, see=see.MODELS, harm="openai-python lists no models and raises nothing")
def list_data(root: Node) -> Iterable[Complaint]:
    """`data` of the list is an array of objects."""
    if root["data"].kind != "array":
        yield root["data"], str(root["data"]), "an array"
    for entry in root["data"]:
        if entry.kind != "object":
            yield entry, str(entry), "an object"


@models.rule(
    "some",
    over=model_lists,
    level=NOTE,  # a server without any model says so
    see=see.MODELS,
    harm="the menu of models is empty: nothing can be chosen",
)
def some(root: Node) -> Iterable[Complaint]:
    """The list names at least one model."""
    if root["data"].value == []:
        yield root["data"], "no model", "the models that can be asked"


@models.rule(
    "unique-ids",
    over=model_lists,
    level=SHOULD,
    see=see.MODELS,
    harm="a menu of models shows one twice, and a table keyed by id drops one",
)
def unique_ids(root: Node) -> Iterable[Complaint]:
    """Each model is listed once."""
    for node in repeats(root["data"], "id", str):
        yield node, f"{node} again", "each id once"


@models.rule(
    "id",
    over=model_objects,
    harm="the menu of models holds an entry that cannot be requested (openai-python: id None)",
)
def id_(model: Node) -> Iterable[Complaint]:
    """`id` of a model is a non-empty string."""
    if not model["id"].text.strip():
        yield model["id"], str(model["id"]), "a non-empty string"


@models.rule(
    "object",
    over=model_objects,
    basis=always("model"),
    harm="clients that tell objects apart by `object` leave the model out",
)
def object_(model: Node) -> Iterable[Complaint]:
    """`object` of a model is "model"."""
    if model["object"].value != "model":
        yield model["object"], str(model["object"]), '"model"'


@models.rule(
    "created",
    over=model_objects,
    harm="typed clients refuse the list; models sorted by age are out of order",
)
def created(model: Node) -> Iterable[Complaint]:
    """`created` of a model is a Unix time in whole seconds."""
    value = model["created"].value
    if not (isinstance(value, int) and value == 0):  # some list models of unknown age
        yield from complain_unless_time(model["created"])


@models.rule(
    "owned-by",
    over=model_objects,
    harm="decoders generated from the reference, where it is required, refuse the whole list",
)
def owned_by(model: Node) -> Iterable[Complaint]:
    """`owned_by` of a model is a string."""
    if model["owned_by"].kind != "string":
        yield model["owned_by"], str(model["owned_by"]), "a string"


@models.rule(
    "not-blank",
    over=model_objects,
    level=NOTE,
    harm="lists sorted by age or owner are in no meaningful order",
)
def not_blank(model: Node) -> Iterable[Complaint]:
    """`created` and `owned_by` of a model say something: they are not 0 and not empty."""
    for name, blank in (("created", 0), ("owned_by", "")):
        if model[name].value == blank and model[name].kind in ("integer", "string"):
            yield model[name], str(model[name])


@models.rule(
    "retrieve-id",
    over=only(exchanges, lambda view: view.endpoint == "model" and view.is_dict),
    see=see.MODELS,
    yields_to=("errors.unknown-model",),
    harm="the caller configures another model than it requested",
)
def retrieve_id(view: View) -> Iterable[Complaint]:
    """A model that is retrieved has the id that was requested."""
    wanted = unquote(view.exchange.request.path.rpartition("/models/")[2])
    if view.root["object"].value == "list":
        yield view.root["object"], "a list of models", wanted, "`models.retrieve(name).id` is None"
    elif view.root["id"].text and view.root["id"].text != wanted:
        yield view.root["id"], str(view.root["id"]), wanted


_SWITCHES = ("create_engine", "sampling", "logprobs", "search_indices", "view", "fine_tuning")
_PERMISSION = {
    **dict.fromkeys(("id", "organization"), ("string",)),
    **{f"allow_{name}": ("boolean",) for name in _SWITCHES},
    **{"created": ("integer",), "group": ("string", "null"), "is_blocking": ("boolean",)},
}


@models.rule(
    "permission",
    over=only(model_objects, lambda model: model["permission"].there),
    level=SHOULD,
    harm="clients of 2023, whose types require it, refuse the model",
)
def permission(model: Node) -> Iterable[Complaint]:
    """A model in the form of 2023 has `root`, `parent` and a complete `permission`; vLLM still sends it."""
    yield from _complain_of_kinds(model, {"permission": ("array",), "root": ("string",), "parent": ("string", "null")})
    for entry in model["permission"]:
        if entry["object"].value != "model_permission":
            yield entry["object"], str(entry["object"]), '"model_permission"'
        yield from _complain_of_kinds(entry, _PERMISSION)


def _complain_of_kinds(node: Node, wanted: Mapping[str, tuple[str, ...]]) -> Iterable[Complaint]:
    for name, kinds in wanted.items():
        if node[name].kind not in kinds:
            yield node[name], str(node[name]), f"a {' or '.join(kinds)}"
