"""`gatepost init`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gatepost_cli.context import App, pass_app
from gatepost_cli.lazy import Command

if TYPE_CHECKING:  # imported when the command runs, not for --help
    from gatepost.config import Config


@click.command(cls=Command)
@click.option("--database", metavar="URL", help="sqlite:////PATH, or postgresql+psycopg://USER@HOST/NAME.")
@click.option(
    "--password-file", metavar="FILE", default="", help="Its first line is the database's password."
)
@click.option(
    "--state", metavar="FOLDER", help="For the snapshot, the journal and, unless told, the database."
)
@click.option("--domain", "domains", multiple=True, metavar="DOMAIN", help="An own domain; may be repeated.")
@click.option("--mynetworks", multiple=True, metavar="NETWORK", help="Not judged; else as Postfix has it.")
@click.option("--force", is_flag=True, help="Overwrite a gatepost.toml that is there.")
@pass_app
def init(
    app: App,
    *,
    database: str | None,
    password_file: str,
    state: str | None,
    domains: tuple[str, ...],
    mynetworks: tuple[str, ...],
    force: bool,
) -> None:
    """Write gatepost.toml and create folders and database.

    It asks nothing. When the database cannot be reached, all the rest is made, and gatepost db upgrade
    goes on. With --json: an object with file, state, database, warnings (a list of texts).

    \b
    gatepost init
    gatepost init --database postgresql+psycopg://gatepost@db.example.com/gatepost \\
      --password-file /etc/gatepost/db-password --domain example.com
    """
    from gatepost.config import config_file
    from gatepost.errors import ConfigError

    file = config_file(app.config_name)
    if file.exists() and not force:
        raise ConfigError(f"{file} is there already", "look at it with gatepost config show, or say --force")
    settings = _settings(database, password_file, state, domains, mynetworks)
    _write(file, settings)
    _make_folders(settings)
    _tell(app, file, settings)
    _make_schema(app)


def _settings(
    database: str | None,
    password_file: str,
    state: str | None,
    domains: tuple[str, ...],
    mynetworks: tuple[str, ...],
) -> Config:
    from dataclasses import replace

    from gatepost.config import Config

    plain = Config()
    folder = str(Path(state).resolve()) if state else plain.paths.state
    url = database or f"sqlite:///{folder}/gatepost.db"
    password = str(Path(password_file).absolute()) if password_file else ""
    networks = list(mynetworks) or _networks_of_postfix(plain.aliases.postfix_config) or plain.site.mynetworks
    return replace(
        plain,
        database=replace(plain.database, url=url, password_file=password),
        paths=replace(plain.paths, state=folder),
        site=replace(plain.site, mynetworks=networks, domains=list(domains)),
    )


def _networks_of_postfix(folder: str) -> list[str]:
    """Read mynetworks of the Postfix on this host; nothing when there is none, or when it has tables in it."""
    from gatepost.errors import GatepostError
    from gatepost.network import parse_network
    from gatepost_agent.postfix_tables import PostfixTables

    try:
        words = PostfixTables(folder).parameters("mynetworks")["mynetworks"].replace(",", " ").split()
        return [str(parse_network(word.replace("[", "").replace("]", ""))) for word in words]
    except (GatepostError, ValueError):
        return []


def _write(file: Path, settings: Config) -> None:
    from gatepost.atomic import write_atomically
    from gatepost.config import parse_config
    from gatepost.errors import ConfigError
    from gatepost_cli.config_text import config_text
    from gatepost_cli.ownership import give

    text = config_text(settings, secrets=True)
    parse_config(text, "these options")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, text, mode=0o640)
        give(file, "root", settings.site.user)
    except OSError as error:
        raise ConfigError(
            f"cannot write {file}: {error.strerror or error}", "run it as root, or say --config"
        ) from None


def _make_folders(settings: Config) -> None:
    from gatepost.errors import ConfigError
    from gatepost_cli.ownership import make_folders

    try:
        make_folders(settings)
    except OSError as error:
        raise ConfigError(f"cannot make a folder: {error}", "run it as root, or say --state") from None


def _make_schema(app: App) -> None:
    from gatepost.errors import ConfigError, DatabaseError
    from gatepost.store.database import make_engine
    from gatepost.store.schema import upgrade
    from gatepost_cli.user import act_as

    act_as(app.config.site.user)
    try:
        upgrade(make_engine(app.config.database))
    except (ConfigError, DatabaseError) as error:
        raise type(error)(
            f"settings and folders are made, but the database has no schema yet: {error.message}",
            "mend that ([database] in the settings), and go on with: gatepost db upgrade",
        ) from error


def _tell(app: App, file: Path, settings: Config) -> None:
    from gatepost_cli.config_text import without_password
    from gatepost_cli.output import print_json, warn
    from gatepost_cli.ownership import advice

    missing = advice(settings, file)
    database = without_password(settings.database.url)
    if app.json:
        print_json(
            {"file": str(file), "state": settings.paths.state, "database": database}
            | {"warnings": [missing] if missing else []}
        )
        return
    click.echo(f"settings  {file}\nstate     {settings.paths.state}\ndatabase  {database}")
    click.echo("not judged: " + ", ".join(settings.site.mynetworks))
    click.echo(
        "next: start gatepost agent, policyd and milter, tell Postfix of them, and run gatepost doctor"
    )
    if missing:
        warn(missing)
