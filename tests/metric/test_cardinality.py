import pytest

from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric
from flowkit.metric.cardinality import cardinality


def spec(*labels):
    return FlowMetricSpec("m", "Counter", labels=labels)


def test_fine_and_careful_labels_say_nothing():
    assert cardinality(spec("SrcK8S_Namespace", "DstPort", "Flags", "NetworkEvents>Name")) == ()


def test_one_sentence_worst_first():
    assert cardinality(spec("Etype", "SrcAddr", "Proto", "NetworkEvents")) == (
        "each of the labels 'SrcAddr', 'NetworkEvents' can take very many values: upstream advises against it; "
        "label 'Etype' is of unknown cardinality",
    )


@pytest.mark.parametrize(
    ("labels", "level"),
    [
        ((), "fine"),
        (("Proto",), "fine"),
        (("Proto", "DstPort"), "careful"),
        (("Etype", "DstPort"), "unknown"),
        (("Etype", "SrcAddr", "Proto"), "avoid"),
        (("NetworkEvents>Name",), "fine"),
        (("NetworkEvents",), "avoid"),
    ],
)
def test_a_metric_is_as_good_as_its_worst_label(labels, level):
    assert FlowMetric(spec(*labels)).cardinality == level
