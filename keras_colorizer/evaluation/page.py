"""The report as one HTML file, which needs nothing but itself."""

import base64
import datetime
import io
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

import keras_colorizer
from keras_colorizer.evaluation import bootstrap
from keras_colorizer.evaluation.bootstrap import Estimate
from keras_colorizer.evaluation.charts import ab_charts, calibration_charts
from keras_colorizer.evaluation.definitions import GROUPS, METRICS
from keras_colorizer.evaluation.report import EvaluationReport
from keras_colorizer.evaluation.summary import Row

TEMPLATE = "report.html.jinja"
JPEG: dict[str, Any] = {"format": "JPEG", "quality": 88, "subsampling": 0}
# Of a model, above all else.
HEADLINE = {
    "ciede2000_gain": "CIEDE2000 gained over grey",
    "psnr_gain": "dB of PSNR gained over grey",
    "colorfulness_share": "of the true colorfulness",
    "within_5": "of the pixels within 5 %",
}


def page(report: EvaluationReport) -> str:
    """Returns the HTML.

    Args:
        report: What was found.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["data_uri"] = data_uri
    return environment.get_template(TEMPLATE).render(
        report=report,
        verdict=verdict,
        headline=HEADLINE,
        groups=GROUPS,
        metrics=METRICS,
        bootstrap=bootstrap,
        estimate_of=Estimate,
        ab_charts=ab_charts(report),
        calibration_charts=calibration_charts(report),
        today=datetime.date.today().isoformat(),
        version=keras_colorizer.__version__,
    )


def verdict(row: Row) -> str:
    """Says whether a model does better than leaving photos grey.

    Args:
        row: Of a model.
    """
    gain = row.estimates["ciede2000_gain"]
    if gain.low is None or gain.high is None:
        return "One photo cannot tell whether it is better than grey."
    if gain.low > 0:
        return "Nearer to the true colors than grey."
    if gain.high < 0:
        return "Farther from the true colors than grey."
    return "Not clearly nearer to the true colors than grey, nor farther."


def data_uri(picture: Image.Image) -> str:
    """Returns a picture as an address that holds it.

    Args:
        picture: RGB.
    """
    file = io.BytesIO()
    picture.save(file, **JPEG)
    encoded = base64.b64encode(file.getvalue()).decode("ascii")
    return f"data:image/jpeg;base64,{encoded}"
