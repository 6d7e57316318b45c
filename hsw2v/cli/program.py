"""The program `hsw2v`: its commands by name."""

from __future__ import annotations

from typing import Any

import click

from hsw2v.cli.align import align
from hsw2v.cli.compare import compare
from hsw2v.cli.completion import completion, with_files
from hsw2v.cli.demo import demo
from hsw2v.cli.diagnose import diagnose
from hsw2v.cli.evaluate import evaluate
from hsw2v.cli.explore import explore
from hsw2v.cli.export import export
from hsw2v.cli.habits import check_command, check_options, in_any_case
from hsw2v.cli.help import first_steps, show, with_help
from hsw2v.cli.index import index
from hsw2v.cli.inspect import info, vector
from hsw2v.cli.map import map
from hsw2v.cli.neighbours import neighbours
from hsw2v.cli.phrases import phrases
from hsw2v.cli.plan import plan
from hsw2v.cli.predict import predict
from hsw2v.cli.query import analogy, odd_one_out, similarity
from hsw2v.cli.score import score
from hsw2v.cli.sentences import sentences
from hsw2v.cli.similar import similar
from hsw2v.cli.train import resume, train
from hsw2v.cli.tree import tree
from hsw2v.cli.verify import verify
from hsw2v.cli.vocab import vocab
from hsw2v.cli.walks import walks

COMMANDS: tuple[click.Command, ...] = (
    train,
    resume,
    plan,
    demo,
    vocab,
    walks,
    phrases,
    similar,
    neighbours,
    index,
    similarity,
    analogy,
    odd_one_out,
    predict,
    score,
    sentences,
    info,
    vector,
    verify,
    tree,
    map,
    export,
    align,
    explore,
    evaluate,
    diagnose,
    compare,
    completion,
)


class Program(click.Group):
    """A group that knows what people type who come from other programs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they were added."""
        return list(self.commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse options of `train` that no command is before."""
        own = {name for one in self.params for name in one.opts}
        if args and args[0].startswith("-") and args[0] not in own and not ctx.resilient_parsing:
            check_options(train, args, f"{ctx.command_path} train")
            if args[0].partition("=")[0] in {name for one in train.params for name in one.opts}:
                raise click.UsageError("An option comes after its command, such as train.", ctx)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Refuse commands and options of other programs, with those that are meant."""
        if not ctx.resilient_parsing:
            check_command(args[0], self.commands, *args[1:])
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            check_options(command, rest, f"{ctx.command_path} {name}")
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and let an error of its options name it: click forgets which one."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            command = self.commands.get(ctx.invoked_subcommand or "")
            if error.ctx is None and command is not None:
                error.ctx = click.Context(command, ctx, command.name)
            raise


@click.group(cls=Program, invoke_without_command=True)
@click.version_option(package_name="hsw2v", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Train word vectors with hierarchical softmax, and ask them.

    \b
    Examples:
      hsw2v demo                                   train on Python's own library
      hsw2v train corpus.txt                       writes corpus.safetensors
      hsw2v similar corpus.safetensors king
      hsw2v analogy corpus.safetensors man king woman

    Every command explains itself: hsw2v COMMAND --help
    """
    if context.invoked_subcommand is None:
        show(first_steps(program))


with_help(program)
for command in COMMANDS:
    program.add_command(with_help(with_files(in_any_case(command))))
