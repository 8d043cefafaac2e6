"""The words of the report of drift: on the terminal, on its page and in JUnit's XML."""

from __future__ import annotations

from xml.etree import ElementTree

from scaffold.errors.wording import counted
from scaffold.spec import DriftReport, DriftVerdict, FieldDrift, FieldKind, MetricDrift


def summary_of(report: DriftReport) -> str:
    """Return what was compared with what, in a line."""
    times = f", {report.first[:16]} to {report.last[:16]}" if report.first else ""
    baseline = f"{report.baseline_rows:,} rows of {report.made_from}"
    return f"{report.project}: {counted(report.rows, 'request')} from {report.source}{times}; {baseline}"


def cells_of(field: FieldDrift) -> tuple[str, ...]:
    """Return the cells of a field but for its verdict: a share of missing values is `then → now`."""
    if field.verdict is DriftVerdict.ABSENT:
        return (field.name, field.kind.value, "", "", "", "", "")
    missing = ""
    if field.missing_then or field.missing_now:
        missing = f"{percent(field.missing_then)} → {percent(field.missing_now)}"
    outside = percent(field.outside_now) if field.outside_now else ""
    if field.outside_then:
        outside = f"{percent(field.outside_then)} → {percent(field.outside_now)}"
    is_number = field.kind is FieldKind.NUMBER
    return (
        field.name,
        field.kind.value,
        f"{field.psi:.3f}",
        f"{field.jensen_shannon:.3f}",
        missing,
        "" if is_number else outside,
        outside if is_number else "",
    )


def percent(share: float) -> str:
    """Return a share as a percentage, with a digit after the point below ten."""
    if share >= 0.0995 or not share:
        return f"{100 * share:.0f}%"
    return f"{100 * share:.1f}%" if share >= 0.0005 else "<0.1%"


def p_words(field: FieldDrift) -> str:
    """Return the p-value of a field."""
    return f"p {field.p_value:.2g}" if field.p_value >= 1e-99 else "p below 1e-99"


def metric_line(metric: MetricDrift) -> str:
    """Return a metric of the labelled predictions, beside that of the training."""
    now = metric.now
    line = f"{metric.name} {now.value:.4g} ({now.low:.4g} to {now.high:.4g}) of {now.rows:,} labels"
    return f"{line}, {metric.then:.4g} in training" if metric.then is not None else line


def verdict_line(report: DriftReport) -> str:
    """Return the verdict in a sentence."""
    match report.verdict:
        case DriftVerdict.DRIFT:
            return f"Drift in {', '.join(report.drifted)}."
        case DriftVerdict.STABLE:
            found = max(report.detectable_psi or 0.0, report.psi_threshold)
            return f"No drift. With these rows a PSI of {found:.2f} or more is found in 9 of 10 cases."
        case _:
            return "Not enough rows for a verdict."


def junit_of(report: DriftReport) -> str:
    """Return the verdicts as JUnit's XML: a test case for each field, failed where it drifted."""
    suite = ElementTree.Element("testsuite", name="drift")
    totals = dict.fromkeys(("failures", "skipped"), 0)
    groups = (("requests", report.fields), ("predictions", report.predictions), ("metrics", report.metrics))
    for group, compared in groups:
        for each in compared:
            name, words = xml_text(each.name), xml_text(_words_of(each))
            case = ElementTree.SubElement(suite, "testcase", classname=f"drift.{group}", name=name)
            if each.verdict is DriftVerdict.DRIFT:
                ElementTree.SubElement(case, "failure", message=words)
                totals["failures"] += 1
            elif each.verdict not in (DriftVerdict.STABLE, DriftVerdict.SLIGHT):
                ElementTree.SubElement(case, "skipped", message=each.verdict.value)
                totals["skipped"] += 1
            else:
                ElementTree.SubElement(case, "system-out").text = words
    suite.attrib |= {name: str(count) for name, count in totals.items()}
    suite.attrib |= {"tests": str(len(suite)), "errors": "0"}
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _words_of(each: FieldDrift | MetricDrift) -> str:
    if isinstance(each, MetricDrift):
        return metric_line(each)
    outside = f", {percent(each.outside_now)} unseen or out of range" if each.outside_now else ""
    return (
        f"PSI {each.psi:.3f}, Jensen-Shannon {each.jensen_shannon:.3f}, {p_words(each)},"
        f" missing {percent(each.missing_then)} → {percent(each.missing_now)}{outside}"
    )


def xml_text(text: str) -> str:
    """Return text without the characters that no XML document may have."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
