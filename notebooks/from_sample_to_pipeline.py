"""From a sample to a pipeline module.

Open it with `marimo edit notebooks/from_sample_to_pipeline.py` after `make demo`, or run it as a script. It works on the
tables that the demo left in data/lake and writes nothing.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="From a sample to a pipeline module")

with app.setup:
    import inspect

    import altair as alt
    import marimo as mo
    import pandera.polars as pa
    import polars as pl

    from framework import LazyFrame, show, step
    from framework.transforms import tumbling
    from schemas.marketing import ZONE, Moment, Session


@app.cell
def _():
    mo.md("""
    # From a sample to a pipeline module

    The question: **at which hours do people come, and how many look at one page only?** We look at a sample, write the
    step as a plain function, and move it to `pipelines/` unchanged.

    ## 1. Open an intermediate

    One call opens any node of any pipeline, computed from the input as it is now. `sample=0.5` keeps half of the users,
    with all of their events.
    """)
    return


@app.cell
def _():
    sample = show("marketing.sessions", sample=0.5, limit=10_000)
    sample.head(5)
    return (sample,)


@app.cell
def _(sample):
    mo.md(f"""
    {sample.height:,} sessions of {sample["user_id"].n_unique():,} users. The schema that these rows keep is
    `schemas.marketing.Session`; an input annotated `LazyFrame[Session]` is what makes them an input of a step.

    ## 2. Write the step

    A schema for what it gives, and a function from lazy frames to a lazy frame. It is a function like any other: call it.
    """)
    return


@app.class_definition
class BusyHour(pa.DataFrameModel):
    """One row per hour and country in which sessions began."""

    country: str = pa.Field(nullable=True)
    hour_start: Moment
    sessions: int = pa.Field(gt=0)
    bounces: int = pa.Field(ge=0)


@app.function
@step(returns=BusyHour)
def busy_hours(sessions: LazyFrame[Session]) -> pl.LazyFrame:
    """Count the sessions that begin in an hour. One row per hour and country with any. Lazy."""
    counts = {"sessions": pl.len(), "bounces": pl.col("is_bounce").sum()}
    return sessions.pipe(tumbling, counts, time="session_start", every="1h", by="country").select(
        "country", "sessions", "bounces", hour_start="window_start"
    )


@app.cell
def _(sample):
    tried = busy_hours(sample.lazy()).sort("hour_start", "country").collect()
    tried.head(5)
    return (tried,)


@app.cell
def _():
    mo.md("""
    ## 3. Look at it
    """)
    return


@app.cell
def _(tried):
    by_hour = (
        tried.with_columns(hour=pl.col("hour_start").dt.convert_time_zone(ZONE).dt.hour())
        .group_by("hour")
        .agg(pl.col("sessions").sum(), bounce_rate=pl.col("bounces").sum() / pl.col("sessions").sum())
        .sort("hour")
    )
    x = alt.X("hour:O", title="hour of the day (Berlin)")
    share = alt.Y("bounce_rate:Q", title="share of bounces", axis=alt.Axis(format="%"), scale=alt.Scale(domainMin=0))
    base = alt.Chart(by_hour).properties(width=640)
    chart = alt.vconcat(
        base.mark_bar()
        .encode(alt.X("hour:O", title=None), alt.Y("sessions:Q", title="sessions in the sample"))
        .properties(height=180),
        base.mark_line(point=alt.OverlayMarkDef(color="#e45756"), color="#e45756")
        .encode(x, share)
        .properties(height=110),
    )
    chart
    return by_hour, chart


@app.cell
def _():
    mo.md("""
    ## 4. Move it to a module

    Below is the whole module: the schema and the step as they stand above, and the pipeline around them. Save it as
    `pipelines/marketing/busy_hours.py` (the schema may as well go to `schemas/marketing.py`), then

    ```
    sluice check marketing.busy_hours     # fits together? reads no data
    sluice plan marketing.busy_hours      # what would it read?
    sluice run marketing.busy_hours
    ```
    """)
    return


@app.cell
def _():
    module = "\n\n\n".join(
        [
            '"""Sessions and bounces per hour and country. Small: computed as a whole."""\n\n'
            "import pandera.polars as pa\nimport polars as pl\n\n"
            "from framework import LazyFrame, Pipeline, delta_table, step, table\n"
            "from framework.transforms import tumbling\n"
            "from schemas.marketing import Moment, Session",
            inspect.getsource(BusyHour).removeprefix("@app.class_definition\n").strip(),
            inspect.getsource(busy_hours).removeprefix("@app.function\n").strip(),
            "pipeline = Pipeline(\n"
            '    "marketing.busy_hours",\n'
            '    sources={"sessions": delta_table("marketing/sessions", sample_by="user_id")},\n'
            "    steps=[busy_hours],\n"
            '    outputs=[table("marketing/busy_hours", of=busy_hours)],\n'
            ")\n",
        ]
    )
    mo.ui.code_editor(module, language="python", disabled=True)
    return (module,)


if __name__ == "__main__":
    app.run()
