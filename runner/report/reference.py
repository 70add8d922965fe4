"""The page that describes every field of a JSON Schema, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from runner.report.fields import Definitions, Schema, kind, names, one_key
from runner.spec.plain import as_yaml

_WIDEST_LINE = 96
_DEEPEST_HEADING = 4
_INDENT = "  "
_ANY_NAME = "name"
_INTRODUCTION = (
    "In the names of sections `[]` is an item of a list and `*` is a name of your own. "
    "In examples, `# or` shows what else a key can hold."
)


@dataclass(frozen=True)
class Section:
    """A mapping that the page describes, of known keys or of names of the user's own.

    Attributes:
        path: the keys that lead to it, with `[]` for an item of a list and `*` for any name.
        definition: its name in `$defs`; empty where it is written in place.
        schema: with its reference followed, for title and description.
        mappings: the forms that have keys.
        free: the form that has names; None where it has none.
        anchor: of its heading, as forges make them.
    """

    path: tuple[str, ...]
    definition: str
    schema: Schema
    mappings: tuple[Schema, ...]
    free: Schema | None
    anchor: str

    @property
    def name(self) -> str:
        """`model.head[]`; empty for the whole."""
        return ".".join(self.path).replace(".[]", "[]")

    @property
    def depth(self) -> int:
        """How many keys lead to it."""
        return sum(step != "[]" for step in self.path)


def reference_page(schema: Schema) -> str:
    """The whole page; the same schema gives the same page."""
    definitions = Definitions(schema.get("$defs", {}))
    sections = find_sections(schema, definitions)
    links = {section.definition: f"#{section.anchor}" for section in sections if section.definition}
    parts = [
        f"# {schema.get('title', 'Reference')}: every field",
        "<!-- Made from the schema by `make docs`; change the schema, not this page. -->",
        str(schema.get("description", "")),
        _INTRODUCTION,
        "\n".join(_contents(sections)),
        *(part for section in sections for part in _section(section, definitions, links)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def find_sections(schema: Schema, definitions: Definitions) -> list[Section]:
    """Every mapping once, in the order in which the schema has them."""
    found: list[Section] = []
    taken: dict[str, int] = {}
    for path, definition, inner in _walk(schema, (), definitions, set()):
        mappings, free = definitions.mappings(inner), definitions.free(inner)
        if mappings or free:
            base = _anchor(".".join(path)) if path else "the-whole"
            count = taken[base] = taken.get(base, -1) + 1
            anchor = f"{base}-{count}" if count else base
            own = definitions.follow(inner)
            found.append(Section(path, definition, own, mappings, free, anchor))
    return found


def _walk(
    schema: Schema, path: tuple[str, ...], definitions: Definitions, seen: set[str]
) -> Iterator[tuple[tuple[str, ...], str, Schema]]:
    """Path, definition and schema of all values; of a definition, only where it is met first."""
    definition = definitions.name(schema)
    if definition in seen:
        return
    if definition:
        seen.add(definition)
    yield path, definition, schema
    for mapping in definitions.mappings(schema):
        for name, inner in mapping["properties"].items():
            yield from _walk(inner, (*path, name), definitions, seen)
    for step, inner in definitions.inner(schema):
        yield from _walk(inner, (*path, step.removeprefix(".")), definitions, seen)


def _contents(sections: Sequence[Section]) -> Iterator[str]:
    for section in sections:
        depth = max(0, section.depth - 1)
        label = f"`{section.name}`" if section.path else "The whole"
        title = section.schema.get("title") if section.path else None
        yield f"{_INDENT * depth}- [{label}](#{section.anchor})" + (f" {title}" if title else "")


def _section(section: Section, definitions: Definitions, links: Mapping[str, str]) -> Iterator[str]:
    level = "#" * min(_DEEPEST_HEADING, 1 + max(1, section.depth))
    yield f"{level} `{section.name}`" if section.path else f"{level} The whole"
    if section.path:
        yield str(section.schema.get("description", ""))
        yield _forms(section, definitions, links)
    if not section.mappings:
        yield _fenced(_free_example(section))
    for mapping in section.mappings:
        if len(section.mappings) > 1:
            yield _form_heading(mapping)
        yield _fenced(_example(section, mapping, definitions))
        yield "Exactly one of these keys:" if one_key(mapping) else ""
        fields = mapping["properties"].items()
        yield "\n".join(_field(name, mapping, definitions, links) for name, _ in fields)


def _form_heading(mapping: Schema) -> str:
    """What tells one form of several from the others."""
    title = mapping.get("title") or f"with {', '.join(mapping.get('required', ())) or 'these keys'}"
    return f"**{title}.** {mapping.get('description', '')}".rstrip()


def _fenced(lines: Iterable[str]) -> str:
    example = "\n".join(lines)
    return f"```yaml\n{example}\n```" if example else ""


def _forms(section: Section, definitions: Definitions, links: Mapping[str, str]) -> str:
    """A sentence on what it can be besides a mapping with keys; empty where that is all."""
    inner = {name: link for name, link in links.items() if name != section.definition}
    forms = [form for form in definitions.forms(section.schema) if not form.get("properties")]
    if not forms:
        return ""
    words = kind({"anyOf": forms}, definitions, inner)
    keyed = "a mapping with the keys below, or " if section.mappings else ""
    rule = names(section.free, definitions) if section.free else ""
    sentence = f"{keyed}{words}" + (f"; {rule}" if rule else "")
    return f"{sentence[0].upper()}{sentence[1:]}."


def _field(name: str, mapping: Schema, definitions: Definitions, links: Mapping[str, str]) -> str:
    field = mapping["properties"][name]
    own = definitions.follow(field)
    notes = ["required"] if name in mapping.get("required", ()) else []
    notes.append(kind(field, definitions, links))
    if "default" in own:
        notes.append(f"default `{as_yaml(own['default'])}`")
    description = own.get("description", own.get("title", ""))
    return f"- **`{name}`** ({'; '.join(notes)}). {description}".rstrip()


def _example(section: Section, mapping: Schema, definitions: Definitions) -> Iterator[str]:
    """A mapping in its place in a spec, with the examples of each of its keys."""
    head, indent = _way(section.path)
    alone, in_list = one_key(mapping), indent.endswith("- ")
    first = True
    for name, field in mapping["properties"].items():
        examples = _examples(definitions.follow(field))
        if not examples:
            continue
        line = _line(f"{name}: ", examples)
        if first:
            yield from head
            yield f"{indent}{line}"
        elif alone:
            yield f"{indent}{line}" if in_list else f"{indent}# or {line}"
        else:
            yield f"{' ' * len(indent)}{line}"
        first = False


def _free_example(section: Section) -> Iterator[str]:
    """A mapping of names, beside its own key."""
    examples = _examples(section.schema)
    if not examples or not section.path:
        return
    *above, last = section.path
    head, indent = _way(above)
    yield from head
    key = {"*": f"{_ANY_NAME}: ", "[]": "- "}.get(last, f"{last}: ")
    yield f"{indent}{_line(key, examples)}"


def _way(path: Sequence[str]) -> tuple[list[str], str]:
    """The lines that lead to a place, and what stands before its first line."""
    lines: list[str] = []
    indent = ""
    for step in path:
        if step == "[]":
            indent += "- "
        else:
            lines.append(f"{indent}{_ANY_NAME if step == '*' else step}:")
            indent = " " * len(indent) + _INDENT
    return lines, indent


def _examples(field: Schema) -> list[str]:
    values = field.get("examples") or ([field["default"]] if "default" in field else [])
    return [as_yaml(value) for value in values]


def _line(start: str, examples: Sequence[str]) -> str:
    line = f"{start}{examples[0]}"
    for number, other in enumerate(examples[1:]):
        longer = f"{line}{', or' if number else '  # or'} {other}"
        if len(longer) > _WIDEST_LINE:
            break
        line = longer
    return line


def _anchor(heading: str) -> str:
    """As forges make it: small letters, no punctuation but hyphens and underscores."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
