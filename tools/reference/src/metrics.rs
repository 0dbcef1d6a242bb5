//! The page of the metrics, from the table that they are registered from.

use lanyard::telemetry::{LabelDescription, MetricDescription, MetricType};

use crate::markdown::{code, codes, prose, sentence, table};

/// The page of all metrics.
pub fn page(metrics: &[MetricDescription]) -> String {
    let rows: Vec<[String; 4]> = metrics.iter().map(row).collect();
    let labels: Vec<[String; 3]> =
        labels(metrics).into_iter().map(|(label, names)| label_row(label, &names)).collect();
    format!(
        "# Metrics\n\n`/metrics` on the admin address has them in the OpenMetrics 1.0 text format.\n\n{}\n\
         ## Labels\n\n{}",
        table(["Metric", "Type", "Labels", "Description"], &rows),
        table(["Label", "Metrics", "Values"], &labels)
    )
}

fn row(metric: &MetricDescription) -> [String; 4] {
    let name = metric.full_name();
    let series = match metric.metric_type {
        MetricType::Histogram => "_bucket, _count, _sum".split(", ").collect(),
        MetricType::Counter | MetricType::Gauge | MetricType::Info => Vec::new(),
    };
    let series: Vec<String> = series.into_iter().map(|suffix| format!("{name}{suffix}")).collect();
    let series =
        if series.is_empty() { String::new() } else { format!(" Series: {}.", codes(series)) };
    [
        code(&name),
        metric.metric_type.as_str().to_owned(),
        codes(metric.labels.iter().map(|label| label.name)),
        format!("{}{series}", prose(&sentence(metric.help))),
    ]
}

/// Each label with its values, and the metrics that have it. Two labels of one name may have different values.
fn labels(metrics: &[MetricDescription]) -> Vec<(&LabelDescription, Vec<String>)> {
    let mut labels: Vec<(&LabelDescription, Vec<String>)> = Vec::new();
    for metric in metrics {
        for label in metric.labels {
            match labels.iter_mut().find(|(known, _)| *known == label) {
                Some((_, names)) => names.push(metric.full_name()),
                None => labels.push((label, vec![metric.full_name()])),
            }
        }
    }
    labels.sort_by_key(|(label, _)| label.name);
    labels
}

fn label_row(label: &LabelDescription, metrics: &[String]) -> [String; 3] {
    let values = label
        .values
        .iter()
        .map(|(value, meaning)| format!("{}: {}", code(value), prose(&sentence(meaning.trim()))));
    let meaning = Some(prose(&sentence(label.meaning))).filter(|meaning| !meaning.is_empty());
    let values = meaning.into_iter().chain(values).collect::<Vec<_>>().join("<br>");
    [code(label.name), codes(metrics), values]
}
