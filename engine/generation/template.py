"""A model's chat template: Jinja2 in a sandbox, with what such templates expect to find.

Templates come with models, so they are other people's programs. The sandbox keeps them from the
inside of Python; their steps and the texts they build are counted here, so that each has an end.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import jinja2
from jinja2 import ext, filters, nodes, visitor
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from augursql.errors import ModelError

_STEPS = 100_000
_CHARACTERS = 1_000_000
_WIDE = re.compile(r"\d{6}")  # a width in a format string
# Keys of the context that no template can name.
_LEFT, _SIZE = "steps left", "most characters"


class Template:
    """One chat template, compiled. Thread-safe."""

    def __init__(self, source: str, variables: Mapping[str, object]) -> None:
        """`variables` are the model's special tokens by name. Raises ModelError."""
        environment = _environment()
        try:
            tree = _Bounded().visit(environment.parse(source))
            code = environment.compile(tree)
        except jinja2.TemplateError as error:
            raise ModelError(f"The chat template of the model is malformed: {error}.") from error
        names = environment.make_globals(None)
        self._template = environment.template_class.from_code(environment, code, names)
        self._variables = variables

    def render(self, messages: Sequence[Mapping[str, str]], *, asks: bool = True) -> str:
        """The text of a conversation; where it `asks`, up to where the answer begins.

        Raises ModelError when the template refuses the conversation, fails, or does not end.
        """
        most = _CHARACTERS + 4 * sum(len(m["content"]) for m in messages)
        variables = {
            **self._variables,
            "messages": [dict(m) for m in messages],
            "add_generation_prompt": asks,
            "enable_thinking": False,
            "tools": None,
            "documents": None,
            _LEFT: [_STEPS],
            _SIZE: most,
        }
        parts, size = [], 0
        try:
            for part in self._template.generate(variables):
                parts.append(part)
                size += len(part)
                if size > most:
                    raise jinja2.TemplateError("its text has no end")
        except Exception as error:  # whatever a template of others can raise
            reason = str(error) or type(error).__name__
            raise ModelError(f"The chat template of the model fails: {reason}.") from error
        return "".join(parts)


class _Environment(ImmutableSandboxedEnvironment):
    """The sandbox that transformers renders in, with each call and each larger text counted."""

    intercepted_binops = frozenset(("+", "*", "**", "%"))

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N805
        _spend(__context, 1)
        _check_numbers(__context, [*args, *kwargs.values()])
        text, name = getattr(__obj, "__self__", None), getattr(__obj, "__name__", "")
        if isinstance(text, str) and name == "replace":
            return _replaced(__context, text, *args, **kwargs)
        if isinstance(text, str) and name == "join":
            return _joined(__context, args[0], text)
        return _sized(__context, super().call(__context, __obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Any:
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            _check_format(value.__self__)
        return wrapped

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "%" and isinstance(left, str):
            _check_format(left)
            _check_numbers(context, right if isinstance(right, tuple) else [right])
        if operator == "*" and isinstance(left, int) and not isinstance(right, int):
            left, right = right, left
        if operator == "*" and isinstance(right, int) and hasattr(left, "__len__"):
            _check(context, len(left) * max(right, 0))
        if operator == "**":
            _check(context, abs(right) if isinstance(right, int) else 0)
            _check(context, abs(left) if isinstance(left, int) else 0)
        return _sized(context, super().call_binop(context, operator, left, right))


class _Generation(ext.Extension):
    """`{% generation %}`, by which templates mark answers for training: here it marks nothing."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _Bounded(visitor.NodeTransformer):
    """Sends what is looped over and what `~` joins through filters that count."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = _filtered(node.iter, "counted")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        return _filtered(node, "sized")


def _filtered(node: Any, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _environment() -> _Environment:
    # Not optimised: folding of constants would run filters before anything is counted.
    environment = _Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        optimized=False,
        extensions=[_Generation, ext.loopcontrols],
    )
    # Texts of any size from a small number.
    for name in ("center", "format", "lipsum", "wordwrap"):
        environment.filters.pop(name, None)
        environment.globals.pop(name, None)
    environment.filters |= {"counted": _counted, "sized": _sized}
    environment.filters |= {"replace": _replaced, "join": _joined, "indent": _indented}
    for name, inner in {**_NUMBERED, "tojson": _to_json}.items():
        environment.filters[name] = _with_numbers(inner)
    now = datetime.now()  # of one moment, so that all rows of a statement begin alike
    environment.globals |= {"raise_exception": _raise, "strftime_now": now.strftime}
    return environment


def _raise(message: str) -> None:
    raise jinja2.TemplateError(message)


def _to_json(value: object, **options: Any) -> str:
    """As transformers writes it: without the escapes for HTML of Jinja2's own."""
    return json.dumps(value, **{"ensure_ascii": False, **options})


_NUMBERED: dict[str, Any] = {"batch": filters.do_batch, "slice": filters.sync_do_slice}


def _with_numbers(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose numbers are sizes of what it makes."""

    @jinja2.pass_context
    def checked(context: Context, value: Any, *args: Any, **kwargs: Any) -> Any:
        _check_numbers(context, [*args, *kwargs.values()])
        return inner(value, *args, **kwargs)

    return checked


@jinja2.pass_context
def _replaced(context: Context, value: Any, old: Any, new: Any, count: int | None = -1) -> str:
    text, old, new, count = str(value), str(old), str(new), -1 if count is None else count
    _check(context, len(text) + text.count(old) * len(new))
    return text.replace(old, new, count)


@jinja2.pass_context
def _joined(context: Context, values: Any, d: Any = "", attribute: Any = None) -> str:
    items = _counted(context, values)
    if attribute is not None:
        items = list(map(filters.make_attrgetter(context.environment, attribute), items))
    texts = list(map(str, items))
    _check(context, sum(map(len, texts)) + len(texts) * len(str(d)))
    return str(d).join(texts)


@jinja2.pass_context
def _indented(
    context: Context, value: Any, width: int | str = 4, first: bool = False, blank: bool = False
) -> str:
    text = str(value)
    wide = width if isinstance(width, int) else len(width)
    _check(context, len(text) + (text.count("\n") + 1) * wide)
    return filters.do_indent(text, width, first, blank)


@jinja2.pass_context
def _counted(context: Context, values: Iterable[Any]) -> list[Any]:
    items = list(islice(values, context.parent[_LEFT][0] + 1))
    _spend(context, len(items))
    return items


@jinja2.pass_context
def _sized(context: Context, value: Any) -> Any:
    if isinstance(value, str | list | tuple):
        _check(context, len(value))
    return value


def _spend(context: Context, steps: int) -> None:
    left = context.parent[_LEFT]
    left[0] -= steps
    if left[0] < 0:
        raise jinja2.TemplateError("it has no end")


def _check_numbers(context: Context, values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, int):
            _check(context, abs(value))


def _check_format(text: str) -> None:
    if _WIDE.search(text):
        raise jinja2.TemplateError("it builds a text that is too long")


def _check(context: Context, size: int) -> None:
    if size > context.parent[_SIZE]:
        raise jinja2.TemplateError("it builds a text that is too long")
