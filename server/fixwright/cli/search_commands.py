"""`fixwright search` and `fixwright index map`: a workspace's text and map in the terminal."""

from __future__ import annotations

import json
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

import click

from fixwright.cli.index_commands import DONE, FAILED, FOLDER, finish, shown_path
from fixwright.index.ranked_map import Focus, ranked_map
from fixwright.index.text_search import (
    BadPattern,
    SearchEnd,
    TextHit,
    TextQuery,
    compiled,
    search,
)
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.models.tokens import estimate_tokens


@click.command(name="search")
@click.argument("pattern")
@click.argument("folder", default=".", type=FOLDER)
@click.option("--regex", is_flag=True, help="PATTERN is a regular expression of Python.")
@click.option("-i", "--ignore-case", is_flag=True, help="Letters of either case are the same.")
@click.option("-w", "--word", is_flag=True, help="Find whole words alone.")
@click.option("--files", multiple=True, metavar="GLOB", help="Only in such files; repeatable.")
@click.option("--limit", default=1000, type=click.IntRange(min=1), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON; columns are zero-based there.")
def search_text(
    pattern: str,
    folder: Path,
    *,
    regex: bool,
    ignore_case: bool,
    word: bool,
    files: tuple[str, ...],
    limit: int,
    as_json: bool,
) -> None:
    """Search the text of FOLDER's workspace, line by line, for PATTERN.

    What is ignored, binary or over 16 MiB is left out. Exits with 1 where nothing is found.
    """
    query = TextQuery(pattern, regex, ignore_case, word, files)
    try:
        compiled(query)
    except BadPattern as error:
        raise click.BadParameter(str(error), param_hint="PATTERN") from error

    async def work(index: WorkspaceIndex) -> int:
        await index.wait_fresh()
        hits: list[TextHit] = []
        end = SearchEnd(is_complete=True, slow=())
        async with aclosing(search(index, query, limit)) as parts:
            async for part in parts:
                if isinstance(part, SearchEnd):
                    end = part
                    continue
                hits += part
                if not as_json:
                    for hit in part:
                        place = f"{shown_path(hit.path)}:{hit.line + 1}:{hit.column + 1}"
                        click.echo(f"{place}: {hit.text.strip()}")
        if as_json:
            found = [asdict(hit) for hit in hits]
            answer = {"hits": found, "complete": end.is_complete, "slow": end.slow}
            click.echo(json.dumps(answer, indent=2))
        else:
            if not end.is_complete:
                click.echo(f"There are more than {limit}: raise --limit to see them.", err=True)
            for path in end.slow:
                click.echo(f"{shown_path(path)} took too long and was given up.", err=True)
        return DONE if hits else FAILED

    finish(folder, work)


@click.command(name="map")
@click.argument("folder", default=".", type=FOLDER)
@click.option("--focus", multiple=True, metavar="PATH|NAME", help="What it is for; repeatable.")
@click.option("--tokens", default=2000, type=click.IntRange(min=1), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the map's text and entries as JSON.")
def show_map(folder: Path, *, focus: tuple[str, ...], tokens: int, as_json: bool) -> None:
    """Show the definitions of FOLDER's workspace that matter most.

    A focus that is a file is one; anything else is a name, or a part of names and paths.
    """
    files = [str(Path.cwd() / each) for each in focus if Path(each).is_file()]
    names = [each for each in focus if not Path(each).is_file()]

    async def work(index: WorkspaceIndex) -> int:
        await index.wait_fresh()
        found = await ranked_map(index, Focus(files, names, names), tokens, estimate_tokens)
        if as_json:
            answer = {
                "text": found.text, "tokens": found.size, "leftOut": found.left_out,
                "files": [asdict(each) for each in found.files],
            }  # fmt: skip
            click.echo(json.dumps(answer, indent=2))
        else:
            click.echo(found.text, nl=False)
        return DONE if found.files else FAILED

    finish(folder, work)
