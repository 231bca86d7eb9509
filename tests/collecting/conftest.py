import pytest

from course.collecting.collect import collect

PART = "2_build_a_vit"


@pytest.fixture
def inbox(tmp_path):
    """inbox(files, student=...) -> report: files by path, given as one folder, archive or file each."""

    def send(files, **options):
        paths = []
        for name, data in files.items():
            path = tmp_path / "inbox" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            top = tmp_path / "inbox" / name.split("/")[0]
            paths += [top] if top not in paths else []
        paths += options.pop("paths", [])
        return collect(options.pop("part", PART), paths, grading=tmp_path / "grading", **options)

    return send
