"""`demo`: the whole pipeline on bundled feeds, told in the terminal."""

from aggregator.cli.opening import start_logging, stoppable
from aggregator.cli.options import Context, everywhere, new_app
from aggregator.cli.output import say
from aggregator.core.errors import UsageError

app = new_app()


@app.command()
@everywhere
def demo(here: Context) -> None:
    """The whole pipeline on bundled feeds, without a network: follow, check, flag, and write a digest; then where to look.

    Everything is made anew in the folder `demo` of the data folder; nothing else is touched.
    """
    from aggregator.demo.play import play
    from aggregator.demo.stage import staged

    if here.config is not None or here.database is not None:
        raise UsageError(
            "the demo has a feed list and a database of its own", hint="--data-dir says where to make them"
        )
    settings = start_logging(here.settings(), quiet=True)
    with staged(settings.data_dir / "demo") as stage:
        stoppable(play(stage, say))
