"""The page and its files, as a browser and a careful reader would take them."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
from matplotlib import image as images

from popnet.report import write_report
from popnet.report.population import load
from popnet.report.summary import counts, counts_table, sentence
from popnet.runs.findings import Finding, write_findings

FAILED = {(0, 2): "unconverged", (1, 4): "diverged", (2, 5): "unconverged"}
VOID = {"meta", "link", "br", "img", "hr", "input", "source"}
NAMES = [
    "comparison_behaviour",
    "comparison_weights",
    "error_curves",
    "generalisation",
    "perturbations",
    "trials_to_criterion",
]


class Page(HTMLParser):
    """Tags must close in order; attributes, ids and table cells are collected."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.references, self.ids = [], [], [], []
        self.tables, self.text = [], []
        self.feed(text)
        assert self.open == [], f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, dict(attrs))

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def _note(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        for name in ("href", "src", "xlink:href", "data", "srcset"):
            if name in attrs:
                self.references.append((tag, attrs[name]))
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)
        if self.open and ({"td", "th"} & set(self.open)):
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def written(tmp_path_factory, fake_run):
    """A usual run with its report, for tests that only read."""
    run = fake_run(tmp_path_factory.mktemp("runs"), failed=FAILED)
    write_report(run)
    return run


@pytest.fixture(scope="module")
def page(written):
    return Page((written.folder / "report/index.html").read_text(encoding="utf-8"))


def report(run):
    return Page(write_report(run).read_text(encoding="utf-8"))


def test_quartiles_at_the_cap_are_written_as_more_than_the_cap(make_run):
    half = {(0, i): "unconverged" for i in range(3)}
    none = {(1, i): "unconverged" for i in range(6)}
    run = make_run(failed=half | none, cap=4000)
    rows = Page(counts_table(load(run))).tables[0]
    column = rows[0].index("median trials (IQR)")
    middle, spread = rows[1][column].split(" (")
    assert middle.startswith("> ")
    assert not spread.startswith(">")
    assert spread.endswith(" to > 4,000)")
    assert rows[2][column] == "> 4,000"
    assert ">" not in rows[3][column]


def test_an_axis_without_a_column_does_not_stop_the_page(make_run):
    run = make_run()
    run.networks = run.networks.drop(columns="network.tau_s.spread")
    assert "varied: network.tau_s.spread." in sentence(load(run))
    assert "varied: network.tau_s.spread." in "".join(report(run).text)


def test_the_page_is_balanced_and_refers_to_nothing_outside(written, page):
    text = (written.folder / "report" / "index.html").read_text(encoding="utf-8")
    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    for tag, value in page.references:
        allowed = ("#", "data:image/png;base64,") if tag != "a" else ("#", "figures/")
        assert value.startswith(allowed), (tag, value)
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)", text))


def test_ids_are_unique_and_every_reference_meets_one(page):
    assert len(page.ids) == len(set(page.ids))
    inside = {value[1:] for _, value in page.references if value.startswith("#")}
    assert inside <= set(page.ids)


def test_every_figure_is_inline_and_beside_as_png_and_svg(written, page):
    figures = written.folder / "report" / "figures"
    assert page.tags.count("svg") == len(NAMES)
    assert sorted(p.stem for p in figures.glob("*.svg")) == NAMES
    portraits = [f"condition_{c}" for c in written.networks["condition"].unique()]
    assert sorted(p.stem for p in figures.glob("*.png")) == sorted(NAMES + portraits)
    assert sorted(p.name for p in figures.iterdir() if p.name.startswith(".")) == []
    pixels = images.imread(figures / "perturbations.png")
    assert pixels.shape[1] == pytest.approx(9.6 * 200, abs=1)
    assert pixels.std() > 0.01


def test_counts_in_the_page_are_those_of_the_table(make_run):
    run = make_run(failed=FAILED, asked=26)
    run.networks = run.networks.drop(index=[1, 13])
    population = load(run)
    rows = Page(counts_table(population)).tables[0]
    assert rows[0][:6] == [
        "condition", "recorded", "converged", "not converged", "diverged", "missing",
    ]  # fmt: skip
    for row, (_, own) in zip(rows[1:4], run.networks.groupby("condition", sort=False),
                             strict=True):  # fmt: skip
        states = own["status"].value_counts()
        expected = [len(own), *(int(states.get(s, 0)) for s in
                                ("converged", "unconverged", "diverged"))]  # fmt: skip
        assert row[0] == own["label"].iloc[0]
        assert [int(n) for n in row[1:6]] == [*expected, 6 - len(own)]
    assert rows[4][:6] == [
        "conditions with nothing recorded yet", "0", "0", "0", "0", "8",
    ]  # fmt: skip
    frame = counts(population).drop(columns="id")
    assert frame["recorded"].sum() + frame["missing"].sum() == 26


def test_the_table_of_networks_has_every_row(written, page):
    rows = page.tables[1]
    assert [row[0] for row in rows[1:]] == list(written.networks["key"])
    diverged = [row for row in rows if row[3] == "diverged"]
    assert [row[5:7] for row in diverged] == [["\N{EN DASH}"] * 2]


def test_the_sentence_says_what_was_run(make_run):
    assert sentence(load(make_run())) == (
        "18 networks of 200 units on dnms, trained with reward_hebbian: 6 "
        "independently seeded networks in each condition; varied: "
        "network.tau_s.spread (0, 0.4, 0.8)."
    )


def test_what_a_user_wrote_is_escaped(make_run):
    evil = """<script>alert("x")</script> & 'it' {{ 7*7 }} {% raw %} `$\\alpha_{$`"""
    name = "<i>run& {{ 7*7 }}"
    run = make_run(
        {"task.<b>": [evil, "b"]}, networks=2, name=name, varied=["task.<b>"]
    )
    run.networks["status"] = ["<u>odd</u>", *["converged"] * 3]
    run.evaluation_rows["name"] = run.evaluation_rows["name"].replace("dms", evil)
    run.comparison_rows["metric"] = '"><img src=x>'
    run.made = {"<b>": {"&": evil}}
    run.folder.mkdir(exist_ok=True)
    (run.folder / "sweep.yaml").write_text(f"name: {evil}\n")
    found = Finding(evil, evil, evil, 1.0, 0.0, 2.0, evil, 3, 0.1, "holds", evil, evil)
    write_findings(run.folder, [found])
    page = report(run)
    assert not {"script", "img", "u"} & set(page.tags)
    text = "".join(page.text)
    assert name in text and "<u>odd</u>" in text and "49" not in name
    assert page.tags.count("h1") == 1
    claim, provenance = page.tables[1][1], page.tables[-1][1]
    assert claim[0] == evil + evil
    assert claim[1].endswith(evil.replace("_", " "))
    assert claim[2] == evil and claim[3].endswith(evil)
    assert provenance == ["<b>.&", evil]
    assert page.tables[0][1][0].endswith(evil) or page.tables[0][2][0].endswith(evil)
    assert f"name: {evil}\n" in text
    assert ("a", f"study.html#figure-{evil}") in page.references


@pytest.mark.slow
def test_the_same_records_give_the_same_bytes_in_any_order(written):
    """Rows of networks and curves may come as the shards finished."""

    def files(run):
        found = (run.folder / "report").rglob("*.*")
        return {p.name: p.read_bytes() for p in found if p.is_file()}

    first = files(written)
    conditions = written.networks["condition"].nunique()
    assert len(first) == 1 + 2 * len(NAMES) + conditions
    write_report(written)
    assert files(written) == first
    other = replace(
        written,
        networks=written.networks.sample(frac=1, random_state=2),
        curve_rows=written.curve_rows.sample(frac=1, random_state=3),
    )
    write_report(other)
    assert files(written) == first


@pytest.mark.parametrize("columns", [True, False])
def test_empty_tables_say_which_key_would_fill_them(make_run, columns):
    run = make_run(networks=0, asked=6)
    if not columns:
        nothing = pd.DataFrame()
        run.networks = run.curve_rows = nothing
        run.evaluation_rows = run.comparison_rows = nothing
    page = report(run)
    text = "".join(page.text)
    for key in ("train.until", "train.trials", "after.perturb", "after.other_tasks",
                "after.compare", "networks"):  # fmt: skip
        assert key in text
    assert page.tags.count("svg") == 0


def test_only_networks_recorded_so_far(make_run):
    run = make_run(failed=FAILED)
    run.curve_rows = run.curve_rows.iloc[:0]
    run.evaluation_rows = run.evaluation_rows.iloc[:0]
    run.comparison_rows = run.comparison_rows.iloc[:0]
    assert report(run).tags.count("svg") == 1


def test_one_network_alone(make_run):
    page = report(make_run({}, networks=1))
    assert page.tables[0][1][:2] == ["all networks", "1"]
    assert page.tags.count("svg") == 4


@pytest.mark.slow
def test_sixty_conditions_name_what_is_left_out(make_run):
    grid = {"rule.learning_rate": [round(0.01 * i, 2) for i in range(1, 61)]}
    run = make_run(grid, networks=1)
    page = report(run)
    assert len(page.tables[0]) == 61
    assert "36 of 60 conditions (learning_rate=0.02;" in "".join(page.text)
    heights = {
        p.stem: images.imread(p).shape[0] / 200
        for p in (run.folder / "report" / "figures").glob("*.png")
    }
    assert max(heights.values()) < 30, heights


def test_what_nobody_has_written_yet_appears(make_run):
    run = make_run()
    key = run.networks["key"][0]
    run.networks.loc[0, "status"] = "abducted"
    lesion = "perturbation", "lesion", '{"kind": "unit"}'
    rows = [(key, *lesion, lv, 0.7, 0.3, 0.1, 9, [0.1]) for lv in (0.0, 0.1)]
    rows.append((key, "dream", "dnms", "{}", 0.0, 0.7, 0.3, 0.1, 9, [0.1]))
    more = pd.DataFrame(rows, columns=run.evaluation_rows.columns)
    more["key"] = run.networks["key"][1]
    run.evaluation_rows = pd.concat([run.evaluation_rows, more])
    pair = pd.DataFrame([(key, run.networks["key"][1], "Dynamics (DSA)", "{}", 0.4)],
                        columns=run.comparison_rows.columns)  # fmt: skip
    run.comparison_rows = pd.concat([run.comparison_rows, pair])
    page = report(run)
    assert "abducted" in page.tables[0][0]
    figures = run.folder / "report" / "figures"
    assert (figures / "comparison_dynamics_dsa.svg").exists()
    assert "lesion" in (figures / "perturbations.svg").read_text()
    assert "(dream)" in (figures / "generalisation.svg").read_text()


def test_figures_of_an_earlier_report_do_not_stay(make_run):
    run = make_run()
    run.curve_rows = run.curve_rows.iloc[:0]
    run.evaluation_rows = run.evaluation_rows.iloc[:0]
    write_report(run)
    run.comparison_rows = run.comparison_rows.iloc[:0]
    write_report(run)
    left = {p.stem for p in (run.folder / "report" / "figures").iterdir()}
    assert left == {"trials_to_criterion"}


def test_how_it_was_made(written, page):
    text = "".join(page.text)
    key = written.networks["key"][0]
    assert f"popnet retrain {written.folder} {key}" in text
    assert "popnet launch configs/quickstart.yaml" in text
    assert "versions.torch" in text
    assert "launches.2.started" in text
    assert "# Does spread matter?" in text
