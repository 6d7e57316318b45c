"""The program `hsw2v`: its commands by name."""

from __future__ import annotations

import click

from hsw2v.cli.compare import compare
from hsw2v.cli.demo import demo
from hsw2v.cli.diagnose import diagnose
from hsw2v.cli.evaluate import evaluate
from hsw2v.cli.export import export
from hsw2v.cli.inspect import info, vector
from hsw2v.cli.map import map
from hsw2v.cli.phrases import phrases
from hsw2v.cli.plan import plan
from hsw2v.cli.predict import predict
from hsw2v.cli.query import analogy, odd_one_out, similarity
from hsw2v.cli.score import score
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
    similarity,
    analogy,
    odd_one_out,
    predict,
    score,
    info,
    vector,
    verify,
    tree,
    map,
    export,
    evaluate,
    diagnose,
    compare,
)


class InOrder(click.Group):
    """A group whose help lists its commands as a user meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order they were added."""
        return list(self.commands)


@click.group(
    cls=InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
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
        click.echo(context.get_help())


for command in COMMANDS:
    program.add_command(command)
