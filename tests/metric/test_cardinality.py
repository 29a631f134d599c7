from flowkit.manifests import FlowMetricSpec
from flowkit.metric.cardinality import cardinality


def test_fine_and_careful_labels_say_nothing():
    assert cardinality(FlowMetricSpec("m", "Counter", labels=("SrcK8S_Namespace", "DstPort", "Flags"))) == ()


def test_worst_first():
    notes = cardinality(FlowMetricSpec("m", "Counter", labels=("Etype", "SrcAddr", "NetworkEvents>Name")))
    assert [note.split("'")[1] for note in notes] == ["SrcAddr", "NetworkEvents>Name", "Etype"]
