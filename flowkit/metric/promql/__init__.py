"""PromQL over tables: parse, select, evaluate all series and steps at once."""

from flowkit.errors import FlowkitError

try:
    import promql_parser as promql_parser
except ImportError as error:
    raise FlowkitError("PromQL needs more: pip install 'flowkit-net[prometheus]'") from error

from flowkit.metric.promql.asking import promql
from flowkit.metric.promql.scraping import Scraped, scrape

__all__ = ["Scraped", "promql", "scrape"]
