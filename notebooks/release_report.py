"""A release report with plots: what the marketing tables say, at versions that can be named again.

Open it with `marimo edit notebooks/release_report.py` after `make demo`, or run it as a script: it then writes
`data/exports/marketing/report.html` (or where SLUICE_EXPORTS says), one file that needs no network to be read.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Release report: marketing")

with app.setup:
    from pathlib import Path

    import altair as alt
    import marimo as mo
    import polars as pl

    from framework import load_settings, scan_table, table_version

    TABLES = ("ad_metrics", "attribution", "channel_credit", "daily_spend", "hourly", "roi", "sessions")
    WIDTH = 680


@app.cell
def _():
    mo.md("""
    # Release report: marketing

    Every table is read at one version. Name the same versions again and the report is the same.
    """)
    return


@app.cell
def _():
    versions = {name: table_version(f"marketing/{name}") for name in TABLES}
    rows = {name: scan_table(f"marketing/{name}", version=version) for name, version in versions.items()}
    pl.DataFrame({"table": [f"marketing/{name}" for name in versions], "version": list(versions.values())})
    return rows, versions


@app.cell
def _():
    mo.md("""
    ## What was spent

    Euros per day and channel. A cross marks a day on which a platform delivered nothing and its last known metrics stand
    in; a gap is a day for which none were known.
    """)
    return


@app.cell
def _(rows):
    is_known = pl.col("unknown") < pl.col("campaigns")
    spend = (
        rows["daily_spend"]
        .select("day", "channel", "fallbacks", spend_eur=pl.when(is_known).then(pl.col("spend_eur").cast(pl.Float64)))
        .collect()
    )
    day = alt.X("day:T", title=None, axis=alt.Axis(format="%d %b"))
    lines = (
        alt.Chart(spend).mark_line().encode(day, alt.Y("spend_eur:Q", title="spend, € a day"), alt.Color("channel:N"))
    )
    crosses = (
        alt.Chart(spend.filter(pl.col("fallbacks") > 0))
        .mark_point(shape="cross", size=90, filled=True)
        .encode(day, alt.Y("spend_eur:Q"), alt.Color("channel:N"), tooltip=["day:T", "channel:N", "fallbacks:Q"])
    )
    spend_chart = alt.layer(lines, crosses).properties(width=WIDTH, height=220, title="Spend")
    spend_chart
    return spend, spend_chart


@app.cell
def _():
    mo.md("""
    ## What came back

    Return on investment of the last 7 and 28 days, (revenue - spend) / spend, by the last touch's channel. Zero is where
    revenue pays for the spend.
    """)
    return


@app.cell
def _(rows):
    returns = (
        rows["roi"]
        .filter((pl.col("level") == "channel") & pl.col("roi_28d").is_not_null())
        .select("day", "channel", "roi_7d", "roi_28d")
        .unpivot(index=["day", "channel"], on=["roi_7d", "roi_28d"], variable_name="window", value_name="roi")
        .with_columns(window=pl.col("window").replace_strict({"roi_7d": "7 days", "roi_28d": "28 days"}))
        .collect()
    )
    zero = alt.Chart(pl.DataFrame({"roi": [0.0]})).mark_rule(color="#999", strokeDash=[4, 4]).encode(alt.Y("roi:Q"))
    curves = (
        alt.Chart(returns)
        .mark_line()
        .encode(
            alt.X("day:T", title=None, axis=alt.Axis(format="%d %b")),
            alt.Y("roi:Q", title="ROI", axis=alt.Axis(format="%")),
            alt.Color("channel:N"),
            alt.StrokeDash("window:N", sort=["28 days", "7 days"]),
        )
    )
    roi_chart = alt.layer(curves, zero).properties(width=WIDTH, height=240, title="Rolling ROI by channel")
    roi_chart
    return returns, roi_chart


@app.cell
def _(rows):
    latest = (
        rows["roi"]
        .filter((pl.col("level") == "channel") & (pl.col("day") == pl.col("day").max()) & (pl.col("spend_eur_28d") > 0))
        .select("day", "channel", "spend_eur_28d", "revenue_eur_28d", pl.col("roi_7d", "roi_28d").round(2))
        .sort("channel")
        .collect()
    )
    if mo.app_meta().mode == "script":
        with pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, tbl_formatting="NOTHING"):
            print(latest)
    latest
    return (latest,)


@app.cell
def _():
    mo.md("""
    ## Who gets the credit

    The same conversions, shared out by each model. Rule-based models look at one journey at a time, Shapley and Markov at
    all of them together. The sums are equal: credit is moved, never made.
    """)
    return


@app.cell
def _(rows):
    by_rule = (
        rows["attribution"]
        .group_by("model", pl.col("channel").fill_null("(none)"))
        .agg(pl.col("credit_eur").sum().cast(pl.Float64))
    )
    by_data = rows["channel_credit"].select("model", "channel", pl.col("credit_eur").cast(pl.Float64))
    credit = pl.concat([by_rule, by_data]).collect()
    models = ["first", "last", "linear", "time_decay", "position", "shapley", "markov"]
    credit_chart = (
        alt.Chart(credit)
        .mark_bar()
        .encode(
            alt.Y("model:N", sort=models, title=None),
            alt.X("credit_eur:Q", title="credit, €"),
            alt.Color("channel:N"),
            tooltip=["model:N", "channel:N", alt.Tooltip("credit_eur:Q", format=",.2f")],
        )
        .properties(width=WIDTH, height=220, title="Credit by model and channel")
    )
    credit_chart
    return credit, credit_chart


@app.cell
def _():
    mo.md("""
    ## When people come

    Impressions per hour of Berlin's clocks. On the day the clocks change there are 23 hours: the one from two to three is
    missing.
    """)
    return


@app.cell
def _(rows):
    berlin = pl.col("hour_start").dt.convert_time_zone("Europe/Berlin")
    hours = (
        rows["hourly"]
        .group_by("day", berlin.dt.hour().alias("hour"))
        .agg(pl.col("impressions").sum())
        .sort("day", "hour")
        .collect()
    )
    hour_chart = (
        alt.Chart(hours)
        .mark_rect()
        .encode(
            alt.X("yearmonthdate(day):O", title=None, axis=alt.Axis(format="%d %b", labelAngle=-90)),
            alt.Y("hour:O", title="hour"),
            alt.Color("impressions:Q", scale=alt.Scale(scheme="blues")),
        )
        .properties(width=WIDTH, height=260, title="Impressions by hour")
    )
    hour_chart
    return hour_chart, hours


@app.cell
def _(rows):
    visits = (
        rows["sessions"]
        .group_by("day")
        .agg(sessions=pl.len(), bounce_rate=pl.col("is_bounce").mean())
        .sort("day")
        .collect()
    )
    visit_chart = (
        alt.Chart(visits)
        .mark_bar()
        .encode(
            alt.X("yearmonthdate(day):O", title=None, axis=alt.Axis(format="%d %b", labelAngle=-90)),
            alt.Y("sessions:Q"),
            alt.Color(
                "bounce_rate:Q", title="bounces", legend=alt.Legend(format="%"), scale=alt.Scale(scheme="oranges")
            ),
        )
        .properties(width=WIDTH, height=160, title="Sessions by day")
    )
    visit_chart
    return visit_chart, visits


@app.cell
def _(credit_chart, hour_chart, roi_chart, spend_chart, versions, visit_chart):
    pinned = ", ".join(f"{name} {version}" for name, version in versions.items())
    by_channel = alt.vconcat(spend_chart, roi_chart, credit_chart).resolve_scale(color="shared")
    report = (
        alt.vconcat(by_channel, hour_chart, visit_chart)
        .resolve_scale(color="independent")
        .properties(title=alt.TitleParams("Marketing", subtitle=[f"table versions: {pinned}"], anchor="start"))
    )
    return (report,)


@app.cell
def _(report):
    settings = load_settings()
    path = Path(settings.path(settings.exports)) / "marketing" / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.to_html(inline=True), encoding="utf-8")
    if mo.app_meta().mode == "script":
        print(f"report: {path}")
    mo.md(f"The report is in `{path}`.")
    return (path,)


if __name__ == "__main__":
    app.run()
