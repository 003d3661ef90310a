"""`sampan.browse`: the catalogue with a mouse, in a notebook: facets, a card, a picture of any variable, and the code for it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, Final

import ipywidgets

from sampan.client import Broker
from sampan.entries import Entry
from sampan.errors import SampanError
from sampan.finding import Results, centre_here, search
from sampan.messages import LANGUAGES, Language
from sampan.opening import is_name, meant
from sampan.opening import open as open_entry
from sampan.pictures import draw, sliders, variables
from sampan.whereabouts import spoken_language

__all__ = ["Browser", "browse"]

# English, Chinese; in the order of sampan.messages.LANGUAGES.
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "any": ("any", "全部"),
    "centre": ("Centre", "超算中心"),
    "code": ("Code", "代码"),
    "entries": ("Entries", "条目"),
    "kind": ("Kind", "类别"),
    "look": ("Look at it", "预览"),
    "no_picture": ("There is nothing in it that a picture can be made of.", "其中没有可绘制的数据。"),
    "subject": ("Subject", "主题"),
    "variable": ("Variable", "变量"),
    "words": ("Words", "关键词"),
}
FACETS: Final = ("kind", "subject", "centre")
Search = Callable[[str, Mapping[str, Sequence[str]]], Results]


def browse(text: str = "") -> Browser:
    """A browser of the catalogue, shown as widgets. `.data` is what was looked at last. Raises the errors of the broker.

    Of the name of an entry (`provider/name@version`): of that one, which is looked at at once.
    """
    browser = Browser(text, _search, open_entry, spoken_language(os.environ))
    if is_name(text):
        browser.finder.layout.display = browser.look.layout.display = "none"
        browser.look.click()
    return browser


def _search(text: str, chosen: Mapping[str, Sequence[str]]) -> Results:
    with Broker.from_environment() as broker:
        told = meant(broker, text) if is_name(text) else search(broker, text, chosen, 50)
    if isinstance(told, Results):
        return told
    return Results((Entry.from_json(told),), 1, centre=centre_here(), language=spoken_language(os.environ))


class Browser:
    """Widgets that show what `find` finds, and what `open_` opens of it. Every sentence of an error is shown in its place."""

    def __init__(self, text: str, find: Search, open_: Callable[[str], Any], language: Language) -> None:
        self._find, self._open, self._language = find, open_, language
        self._results = Results((), 0)
        self._still = False
        self.data: Any = None
        """What was looked at last."""
        wide = ipywidgets.Layout(width="100%")
        self.words = ipywidgets.Text(
            value=text, description=self._say("words"), continuous_update=False, layout=wide
        )
        self.facets = {name: ipywidgets.Dropdown(description=self._say(name)) for name in FACETS}
        self.entries = ipywidgets.Select(description=self._say("entries"), rows=8, layout=wide)
        self.card = ipywidgets.HTML()
        self.look = ipywidgets.Button(description=self._say("look"))
        self.variable = ipywidgets.Dropdown(description=self._say("variable"))
        self.places = ipywidgets.VBox()
        self.picture = ipywidgets.Image(format="png")
        self.code = ipywidgets.Textarea(description=self._say("code"), rows=4, layout=wide)
        self.finder = ipywidgets.VBox([self.words, ipywidgets.HBox(list(self.facets.values())), self.entries])
        shown = (self.finder, self.card, self.look, self.variable, self.places, self.picture, self.code)
        self.widget = ipywidgets.VBox(shown)
        self._search()
        for one in (self.words, *self.facets.values()):
            one.observe(lambda _: self._search(), "value")
        self.entries.observe(lambda _: self._choose(), "value")
        self.variable.observe(lambda _: self._choose_variable(), "value")
        self.look.on_click(lambda _: self._look())

    def _repr_mimebundle_(self, **how: Any) -> Any:
        return self.widget._repr_mimebundle_(**how)

    @property
    def entry(self) -> Entry | None:
        """What is chosen."""
        return next((one for one in self._results if one.ref == self.entries.value), None)

    # --- what happens

    def _search(self) -> None:
        if self._still:
            return
        chosen = {name: [one.value] for name, one in self.facets.items() if one.value}
        with self._told():
            self._results = self._find(self.words.value, chosen)
            with self._quiet():
                self._list(chosen)
            self._choose()

    def _list(self, chosen: Mapping[str, Sequence[str]]) -> None:
        for name, one in self.facets.items():
            counts = self._results.facets.get(name, {})
            one.options = [(self._say("any"), ""), *((f"{key} ({n})", key) for key, n in counts.items())]
            wanted = next(iter(chosen.get(name, [""])))
            one.value = wanted if wanted in counts else ""
        self.entries.options = [(f"{one.title[self._language]}  {one.ref}", one.ref) for one in self._results]
        self.entries.value = self._results[0].ref if self._results else None
        self.card.value = "" if self._results else self._results._repr_html_()

    def _choose(self) -> None:
        one = self.entry
        if self._still or one is None:
            return
        self.data = None
        self.card.value = Results(
            (one,), 1, centre=self._results.centre, language=self._language
        )._repr_html_()
        with self._quiet():
            self.variable.options, self.places.children, self.picture.value = [], (), b""
        self._write_code()

    def _look(self) -> None:
        one = self.entry
        if one is None:
            return
        with self._told():
            self.data = self._open(one.ref)
            with self._quiet():
                self.variable.options = found = variables(self.data)
                self.variable.value = found[0] if found else None
            if not found:
                self.card.value += f"<p>{escape(self._say('no_picture'))}</p>"
            self._choose_variable()

    def _choose_variable(self) -> None:
        if self._still or self.data is None or self.variable.value is None:
            return
        made = [
            ipywidgets.IntSlider(description=name, max=last, continuous_update=False)
            for name, last in sliders(self.data, self.variable.value).items()
        ]
        for one in made:
            one.observe(lambda _: self._draw(), "value")
        self.places.children = made
        self._draw()

    def _draw(self) -> None:
        with self._told():
            self.picture.value = draw(self.data, self.variable.value, self._at())
        self._write_code()

    # --- what is said

    def _at(self) -> dict[str, int]:
        return {one.description: one.value for one in self.places.children}

    def _write_code(self) -> None:
        """What does the same without a mouse: names come as Python's own literals, whatever is in them."""
        one = self.entry
        lines = ["import sampan", "", f"data = sampan.open({one.ref!r})"] if one else []
        if one and self.variable.value:
            at = self._at()
            part = f".isel({at!r})" if at else ""
            lines.append(f"data[{self.variable.value!r}]{part}.plot()")
        self.code.value = "\n".join(lines)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SampanError as error:
            self.card.value += f'<p role="alert">{escape(error.message.say(self._language))}</p>'

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        """What is changed here is no choice of the person's."""
        before, self._still = self._still, True
        try:
            yield
        finally:
            self._still = before

    def _say(self, word: str) -> str:
        return WORDS[word][LANGUAGES.index(self._language)]
