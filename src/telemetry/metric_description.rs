//! The description of a metric: its name, type, labels and help.

use prometheus_client::registry::{Metric, Registry, Unit};

use super::label_values::LabelValues;

/// Types of metrics (OpenMetrics 1.0 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricType {
    /// A count that only grows while the process runs.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Observations, counted in buckets by their size.
    Histogram,
    /// A constant 1, with facts in labels.
    Info,
}

impl MetricType {
    /// The word on the metric's `# TYPE` line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Info => "info",
        }
    }
}

/// A label of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelDescription {
    /// The name of the label, in snake case.
    pub name: &'static str,
    /// The values in words, as Markdown; empty if all are in `values`.
    pub meaning: &'static str,
    /// The values that have a meaning of their own.
    pub values: LabelValues,
}

/// A metric that `/metrics` exposes.
#[derive(Clone, Copy, Debug)]
pub struct MetricDescription {
    pub(super) prefix: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: Option<&'static str>,
    /// The type of the metric.
    pub metric_type: MetricType,
    /// The labels of each series; empty if there is one series.
    pub labels: &'static [LabelDescription],
    /// The text of the `# HELP` line, without a full stop.
    pub help: &'static str,
}

impl MetricDescription {
    /// The name of the series, to which those of a histogram add `_bucket`, `_count` and `_sum`.
    pub fn full_name(&self) -> String {
        let suffix = match self.metric_type {
            MetricType::Counter => "_total",
            MetricType::Info => "_info",
            MetricType::Gauge | MetricType::Histogram => "",
        };
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        format!("{}_{}{unit}{suffix}", self.prefix, self.name)
    }

    /// Adds `metric` to the registry under this name and help.
    pub(super) fn register(&self, registry: &mut Registry, metric: impl Metric) {
        match self.unit {
            Some(unit) => {
                let unit = Unit::Other(unit.to_owned());
                registry.register_with_unit(self.name, self.help, unit, metric);
            }
            None => registry.register(self.name, self.help, metric),
        }
    }
}
