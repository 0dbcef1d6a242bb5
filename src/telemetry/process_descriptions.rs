//! The metrics that all programs have alike, with their help.

use super::metric_description::{MetricDescription, MetricType};

/// The prefix of the names that all programs use alike.
pub(super) const PROCESS_PREFIX: &str = "process";

const SECONDS: Option<&str> = Some("seconds");
const BYTES: Option<&str> = Some("bytes");

const fn process_gauge(
    name: &'static str,
    unit: Option<&'static str>,
    help: &'static str,
) -> MetricDescription {
    MetricDescription {
        prefix: PROCESS_PREFIX,
        name,
        unit,
        metric_type: MetricType::Gauge,
        labels: &[],
        help,
    }
}

pub(super) const PROCESS_CPU: MetricDescription = MetricDescription {
    metric_type: MetricType::Counter,
    ..process_gauge("cpu", SECONDS, "CPU time that the process has used")
};
pub(super) const PROCESS_RESIDENT_MEMORY: MetricDescription =
    process_gauge("resident_memory", BYTES, "Memory of the process that is in RAM");
pub(super) const PROCESS_VIRTUAL_MEMORY: MetricDescription =
    process_gauge("virtual_memory", BYTES, "Virtual memory of the process");
pub(super) const PROCESS_OPEN_FILES: MetricDescription =
    process_gauge("open_fds", None, "Open file descriptors, connections among them");
pub(super) const PROCESS_MAX_FILES: MetricDescription =
    process_gauge("max_fds", None, "Maximum number of open file descriptors");
pub(super) const PROCESS_THREADS: MetricDescription =
    process_gauge("threads", None, "Threads of the process");
pub(super) const PROCESS_START_TIME: MetricDescription =
    process_gauge("start_time", SECONDS, "Time of the process's start since 1970");
