import json
from itertools import pairwise

import pytest

from flowkit.errors import SpecError
from flowkit.manifests import load_objects, read_objects

POD = {"kind": "Pod", "metadata": {"name": "a"}}
NODE = {"kind": "Node"}
NAMES = "abcdefghij"
BOMB = "a: &a [1, 2]\n" + "".join(f"{n}: &{n} [{', '.join(['*' + m] * 9)}]\n" for m, n in pairwise(NAMES))


def kinds(source, **options):
    return [one.kind for one in load_objects(source, **options)]


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal(source):
    with pytest.raises(SpecError) as caught:
        load_objects(source)
    return str(caught.value)


def test_a_stream_of_yaml_documents_with_their_places(tmp_path):
    path = write(tmp_path, "two.yaml", "# nothing yet\n---\nkind: Pod\n---\n\n---\nkind: Node\n")
    assert [(one.kind, one.place) for one in load_objects(path)] == [
        ("Pod", f"{path}, document 1"),
        ("Node", f"{path}, document 3"),
    ]


def test_a_list_is_opened_and_places_count_items(tmp_path):
    path = write(tmp_path, "list.json", json.dumps({"kind": "List", "items": [POD, {"kind": "List", "items": [NODE]}]}))
    assert [(one.kind, one.place.removeprefix(str(path))) for one in load_objects(path)] == [
        ("Pod", ", items[0]"),
        ("Node", ", items[1], items[0]"),
    ]


def test_items_of_a_typed_list_take_its_kind():
    (pod,) = load_objects({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}]})
    assert pod.body == {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}


def test_kinds_are_kept_by_name():
    assert kinds({"kind": "List", "items": [POD, NODE, POD]}, kinds=["Pod"]) == ["Pod", "Pod"]


def test_a_folder_is_read_in_order_and_only_its_manifests(tmp_path):
    write(tmp_path, "b.json", json.dumps(NODE))
    write(tmp_path, "a.yml", "kind: Pod\n")
    write(tmp_path, "notes.txt", "no: [manifest")
    assert kinds(tmp_path) == ["Pod", "Node"]


def test_json_objects_after_each_other(tmp_path):
    path = write(tmp_path, "many.json", json.dumps(POD) + "\n" + json.dumps(NODE) + "\n")
    assert kinds(path) == ["Pod", "Node"]


def test_yaml_flow_style_is_no_json():
    assert [one.kind for one in read_objects("{kind: Pod}", "flow.yaml")] == ["Pod"]


def test_json_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "bom.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(POD).encode())
    assert kinds(path) == ["Pod"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("tab.yaml", "kind: Pod\nmetadata:\n\tname: a\n", "broken YAML at line 3, column 1: a tab"),
        ("bad.yaml", "kind: Pod\n  x: [1\n", "broken YAML at line 2"),
        ("bad.json", '{"kind": "Pod",\n "x": }', "broken JSON at line 2, column 7"),
        ("list.yaml", "- kind: Pod\n", "a list, not a Kubernetes object"),
        ("text.yaml", "hello\n", "a str, not a Kubernetes object"),
        ("object.yaml", "!!python/object/apply:os.system ['true']\n", "broken YAML"),
        ("items.yaml", "kind: List\nitems: [1]\n", "items[0]: a int, not a Kubernetes object"),
    ],
)
def test_what_cannot_be_read_names_file_line_and_way_out(tmp_path, name, text, message):
    path = write(tmp_path, name, text)
    assert str(path) in refusal(path)
    assert message in refusal(path)


def test_files_that_are_not_there_empty_folders_and_other_encodings(tmp_path):
    assert "no such file" in refusal(tmp_path / "none.yaml")
    assert "a folder without .yaml, .yml, .json files" in refusal(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"kind: P\xf6d\n")
    assert "not UTF-8 text (byte 7)" in refusal(tmp_path / "latin.yaml")


@pytest.mark.parametrize("text", ["a: &a {b: *a}\n", BOMB], ids=["endless", "billion"])
def test_aliases_that_stand_for_too_much_are_refused(text):
    with pytest.raises(SpecError, match="aliases stand for millions of values, or for themselves"):
        list(read_objects(text, "bomb.yaml"))


def test_aliases_that_save_typing_are_fine():
    (found,) = read_objects("kind: Pod\na: &a {b: 1}\nc: *a\n", "one.yaml")
    assert found.body["c"] == {"b": 1}
