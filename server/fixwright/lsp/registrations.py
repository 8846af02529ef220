"""The features of the index in editors that let a server announce them later, and take them back.

Such an editor is told of what is offered, language by language, and hears of each change of the
settings. So it asks its other servers for the rest, and an editor that asks one server only is not
answered with nothing. Other editors are told of everything in `initialize`, once and for all.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.languages import all_languages
from fixwright.lsp.dynamic import METHODS

if TYPE_CHECKING:
    from fixwright.config import FeatureName
    from fixwright.lsp.editor import Editor
    from fixwright.lsp.offers import Offers

log = logging.getLogger(__name__)

Ids = tuple[str, ...] | None
"""Editors' ids of languages; None for whatever the editor shows Fixwright."""


class Registrations:
    """What an editor has been told. `follow` is never called twice at the same time."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._numbers = itertools.count(1)
        self._told: dict[str, tuple[str, Ids]] = {}

    async def follow(self, offers: Offers) -> None:
        """Tell the editor what has changed.

        Raises:
            JsonRpcException: the editor refuses.
        """
        wanted = {
            METHODS[feature]: ids
            for feature in METHODS
            if METHODS[feature] in self._editor.profile.dynamic
            and (ids := _ids(offers, feature)) != ()
        }
        gone = [method for method, (_, ids) in self._told.items() if wanted.get(method, ()) != ids]
        if gone:
            back = [lsp.Unregistration(self._told[method][0], method) for method in gone]
            for method in gone:
                del self._told[method]
            await self._editor.unregister(back)
        new = {method: ids for method, ids in wanted.items() if method not in self._told}
        if new:
            more = [self._registration(method, ids) for method, ids in new.items()]
            for each in more:
                self._told[each.method] = each.id, new[each.method]
            await self._editor.register(more)

    def _registration(self, method: str, ids: Ids) -> lsp.Registration:
        """One with an id that no other has had."""
        options = None
        if method != lsp.WORKSPACE_SYMBOL:
            chosen = None if ids is None else [lsp.TextDocumentFilterLanguage(each) for each in ids]
            options = lsp.TextDocumentRegistrationOptions(chosen)
        return lsp.Registration(f"{method}#{next(self._numbers)}", method, options)


def _ids(offers: Offers, feature: FeatureName) -> Ids:
    """For which documents a feature is offered: () for none."""
    if feature == "symbols":
        return None if offers.gives(feature, None) else ()
    languages = all_languages()
    given = [each for each in languages if offers.gives(feature, each.name)]
    if len(given) == len(languages):
        return None
    return tuple(sorted({name for each in given for name in each.ids}))
