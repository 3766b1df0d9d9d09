"""Past runs are opened and run again where raw files and lake are in an object store."""

from framework import debug
from framework.run.replayed import REPLAY, replay_run
from framework.settings import S3Settings, Settings
from tests.run.past_project import Project


def test_a_run_on_s3_is_opened_and_comes_out_the_same_again(bucket, tmp_path):
    project = Project(tmp_path / "shop")
    project.settings = Settings(
        project=project.folder,
        packages=(project.package,),
        raw=bucket.raw.root,
        lake=bucket.lake.root,
        s3=S3Settings(**bucket.server.settings),
    )

    def deliver(name: str, *lines: str) -> None:
        file = project.deliver(name, *lines)
        bucket.raw.filesystem().put_file(str(file), bucket.raw.uri(file.name))

    deliver("a", "o1,mon,1", "o2,mon,2", "o3,tue,4", "bad,tue,-1")
    runs = [project.run("t.orders"), project.run("t.totals")]
    deliver("b", "o4,mon,8")
    runs += [project.run("t.orders"), project.run("t.totals")]
    assert [run.state for run in runs] == ["SUCCESS"] * 4
    for run in runs[2:]:  # the incremental ones
        done = replay_run(run.run_id, project.settings)
        assert (done.outcome, done.error) == ("equal", "")
    assert bucket.lake.folders(REPLAY) == []
    toml = "\n".join([f'{key} = "{value}"' for key, value in bucket.server.settings.items()])
    head = f'packages = ["{project.package}"]\nraw = "{bucket.raw.root}"\nlake = "{bucket.lake.root}"\n'
    (project.folder / "sluice.toml").write_text(f"{head}[s3]\n{toml}\n")
    opened = debug(runs[0].run_id, "large", project=project.folder)
    assert sorted(opened.output().collect()["order_id"]) == ["o1", "o2", "o3"]
