"""A page as PDF, by weasyprint: the optional packages `pdf`."""

from __future__ import annotations

from exporter.errors import ExporterError


def write_pdf(html: str) -> bytes:
    """Return a page as PDF. Raises ExporterError if weasyprint or its libraries are not installed."""
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except ModuleNotFoundError:
        raise ExporterError(
            "A PDF needs optional packages that are not installed here."
            " Install them with: pip install 'ironport-exporter[pdf]'"
        ) from None
    except OSError:
        raise ExporterError(
            "A PDF needs the library Pango, which is not installed here. On Debian: apt-get install libpangoft2-1.0-0"
        ) from None
    nothing = URLFetcher(allowed_protocols=())  # a page has all that it needs
    content: bytes = HTML(string=html, url_fetcher=nothing).write_pdf(pdf_variant="pdf/ua-1")
    return content
