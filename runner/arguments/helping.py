"""The commands that help: look at this machine, print schemas and completions."""

from __future__ import annotations

from typing import Any

from runner.arguments.parts import add_command, add_format

SHELLS = ("bash", "zsh", "tcsh")
SCHEMAS = ("spec", "result")


def add_doctor(commands: Any) -> None:
    """`retime doctor`."""
    doctor = add_command(
        commands,
        "doctor",
        "say whether this machine is fit to measure",
        """
        Looks at the inference libraries, the harness, the processor, its frequency and
        temperature, load from others, limits and permissions, and says of each whether it is in
        order, why it matters and what to do. Takes two seconds and changes nothing. Ends with
        exit code 0, also where there is advice, or with 4 where timing is impossible.
        """,
        """
        retime doctor
        retime doctor --format json > doctor.json    for machines
        retime doctor > /dev/null && retime bench my.yaml
        """,
    )
    add_format(doctor)


def add_schema(commands: Any) -> None:
    """`retime schema`."""
    schema = add_command(
        commands,
        "schema",
        "print the JSON Schema of a spec or of a result",
        """
        An editor with a YAML language server completes and explains a spec as you type where
        the first line of the spec is: # yaml-language-server: $schema=PATH
        """,
        """
        retime schema --where                        its path, for an editor
        retime schema result > result.schema.json    the format of result.json
        retime schema --format markdown              every field, as a page
        """,
    )
    schema.add_argument(
        "which", nargs="?", choices=SCHEMAS, default="spec", help="which one (default: spec)"
    )
    how = schema.add_mutually_exclusive_group()
    how.add_argument("--where", action="store_true", help="print the path of the file instead")
    how.add_argument(
        "--format",
        choices=("json", "markdown"),
        default="json",
        help="the schema itself, or a page made of it (default: json)",
    )


def add_completion(commands: Any) -> None:
    """`retime completion`."""
    completion = add_command(
        commands,
        "completion",
        "print a script that completes commands in a shell",
        """
        The script completes commands, options and files when Tab is pressed.
        """,
        """
        eval "$(retime completion bash)"             in this shell; or in ~/.bashrc
        retime completion zsh > ~/.zsh/_retime       in a folder of $fpath
        retime completion tcsh > ~/.retime.tcsh      then: source ~/.retime.tcsh
        """,
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell that reads the script")
