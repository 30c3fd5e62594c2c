"""Make the images of the README from those that the full build leaves in the gallery."""

from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
GALLERY = DOCS / "gallery" / "images"
TOP = GALLERY / "sphx_glr_plot_weather_grid_search_001.png"


def save_small(source, name, size):
    """Save a copy that fits a size in pixels, in 64 colours, which is a few kB."""
    image = Image.open(source).convert("RGBA")
    paper = Image.new("RGBA", image.size, "white")
    paper.alpha_composite(image)  # thumbnails have transparent borders
    paper.thumbnail(size)
    paper.convert("RGB").quantize(64, Image.Quantize.MAXCOVERAGE).save(
        DOCS / "images" / name, optimize=True
    )


save_small(TOP, "forecast.png", (800, 640))
for thumbnail in (GALLERY / "thumb").glob("sphx_glr_plot_*_thumb.png"):
    name = thumbnail.stem.removeprefix("sphx_glr_").removesuffix("_thumb")
    save_small(thumbnail, f"{name}.png", (280, 196))
