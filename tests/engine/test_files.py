import pytest

from flowkit.engine.files import Files, found
from flowkit.errors import SourceError


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


def test_a_folder_is_every_file_of_flows_below_in_order_and_nothing_hidden(tmp_path):
    touch(
        tmp_path,
        "b.parquet",
        "day=1/a.parquet",
        "_SUCCESS",
        "_metadata.parquet",
        ".x.parquet",
        ".tmp/c.parquet",
        "readme.md",
    )
    assert found(tmp_path) == Files("Parquet", (str(tmp_path / "b.parquet"), str(tmp_path / "day=1/a.parquet")))


def test_a_file_that_exists_is_meant_itself_and_globs_are_sorted(tmp_path):
    touch(tmp_path, "a[1].parquet", "a1.parquet", "a2.parquet")
    assert found(tmp_path / "a[1].parquet").names == (str(tmp_path / "a[1].parquet"),)
    assert found(f"{tmp_path}/a?.parquet").names == (str(tmp_path / "a1.parquet"), str(tmp_path / "a2.parquet"))
    assert found(tmp_path / "a[1].parquet").patterns == [f"{tmp_path}/a[[]1].parquet"]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("s3://bucket/*.parquet", "Parquet"),
        ("https://host/flows.jsonl.gz", "JSON lines"),
        ("gs://bucket/folder/**", "Parquet"),
    ],
)
def test_urls_are_the_engines_to_look_up(name, form):
    assert found(name) == Files(form, (name,))
    assert found(name).patterns == [name]


def test_content_decides_where_the_ending_does_not(tmp_path):
    (tmp_path / "a").write_bytes(b"PAR1...")
    (tmp_path / "b").write_text('\n {"Proto": 6}')
    (tmp_path / "c").write_text("x,y")
    assert (found(tmp_path / "a").form, found(tmp_path / "b").form) == ("Parquet", "JSON lines")
    with pytest.raises(SourceError, match="c': it is neither Parquet nor JSON lines"):
        found(tmp_path / "c")


def test_what_holds_no_flows_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"no flows at '.*none\*': no such file, folder or match"):
        found(f"{tmp_path}/none*")
    with pytest.raises(SourceError, match="nothing to read"):
        found([])
    with pytest.raises(
        SourceError, match=r"a\.parquet' is Parquet and '.*b\.json' JSON lines: read one form at a time"
    ):
        found(touch(tmp_path, "a.parquet", "b.json"))
