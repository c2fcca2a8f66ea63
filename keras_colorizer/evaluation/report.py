"""The report of an evaluation."""

import base64
import datetime
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import RenderableType

import keras_colorizer
from keras_colorizer.errors import ConfigError
from keras_colorizer.evaluation import summary, tables
from keras_colorizer.evaluation.judging import GREY, JudgedPhoto
from keras_colorizer.evaluation.summary import Row
from keras_colorizer.files import whole_file

Example = tuple[JudgedPhoto, list[bytes]]


@dataclass(frozen=True)
class EvaluationReport:
    """Scores of one or several models, beside leaving the photos grey.

    Attributes:
        rows: Means over photos with 95 % intervals: grey, then the models.
        true: The same of the true photos, as far as they have scores.
        photos: The scores of each photo.
        unreadable: Why photos could not be judged, a sentence each.
        examples: By model, the photos that gained least and most, the least
            first, each with small JPEG files: grey, colorized, true.
        curve: Rows at equal colorfulness, see `trade_off`; empty unless asked
            for.

    Example:
        >>> report = evaluate(Colorizer.from_preset("small"), "my_photos/")
        >>> rich.print(report)
        >>> report.write("report.html")
    """

    rows: list[Row]
    true: Row
    photos: list[JudgedPhoto] = field(repr=False)
    unreadable: list[str]
    examples: dict[str, list[Example]] = field(repr=False)
    curve: list[Row]

    @property
    def models(self) -> list[Row]:
        """The rows but grey."""
        return self.rows[1:]

    def write(self, path: str | Path) -> None:
        """Writes a page, and a `.json` file with all figures beside it.

        Args:
            path: Of the HTML file.

        Raises:
            ConfigError: If it ends in `.json`.
            OSError: If a file cannot be written; none is then half-written.
        """
        html, figures = Path(path), Path(path).with_suffix(".json")
        if html == figures:
            raise ConfigError(f"`{path}` must end in .html.")
        content = json.dumps(self._figures(), indent=1, allow_nan=False)
        for file, text in ((html, self._page()), (figures, content + "\n")):
            with whole_file(file) as temporary:
                temporary.write_text(text, encoding="utf-8")

    def __rich_console__(self, *_: Any) -> Iterator[RenderableType]:
        for group in tables.GROUPS.items():
            yield tables.metric_table(*group, [*self.rows, self.true])
        if self.curve:
            columns = tables.CURVE_METRICS
            yield tables.metric_table(tables.CURVES, columns, self.curve)
        yield f"\nMeans over {len(self.photos)} photos."

    def _figures(self) -> dict[str, Any]:
        return {
            "version": keras_colorizer.__version__,
            "unreadable": self.unreadable,
            "true": asdict(self.true),
            "rows": [asdict(row) for row in self.rows],
            "curve": [asdict(row) for row in self.curve],
            "per_photo": [
                {"name": photo.name, "scores": photo.scores}
                for photo in self.photos
            ],
        }

    def _page(self) -> str:
        import jinja2

        from keras_colorizer.evaluation.charts import color_charts

        template = jinja2.Template(
            Path(__file__).with_name("report.html.jinja").read_text("utf-8"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        return template.render(
            report=self,
            charts=color_charts(self.photos),
            data_uri=_data_uri,
            tables=tables,
            summary=summary,
            grey=GREY,
            today=datetime.date.today(),
            version=keras_colorizer.__version__,
        )


def _data_uri(file: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(file).decode()}"
