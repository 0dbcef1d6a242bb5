//! The metrics `process_*` that Prometheus' client libraries have in common, read from `/proc`.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering},
};

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

use super::process_descriptions;

/// Clock ticks in a second of the times in `/proc`: the same on every architecture of Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// The metrics of the process. On systems without `/proc` they stay at zero.
#[derive(Default)]
pub(super) struct ProcessMetrics {
    cpu: Counter<f64, AtomicU64>,
    resident: Gauge,
    virtual_memory: Gauge,
    open_files: Gauge,
    max_files: Gauge,
    threads: Gauge,
    start_time: Gauge<f64, AtomicU64>,
}

impl ProcessMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        process_descriptions::PROCESS_CPU.register(registry, self.cpu.clone());
        process_descriptions::PROCESS_RESIDENT_MEMORY.register(registry, self.resident.clone());
        process_descriptions::PROCESS_VIRTUAL_MEMORY
            .register(registry, self.virtual_memory.clone());
        process_descriptions::PROCESS_OPEN_FILES.register(registry, self.open_files.clone());
        process_descriptions::PROCESS_MAX_FILES.register(registry, self.max_files.clone());
        process_descriptions::PROCESS_THREADS.register(registry, self.threads.clone());
        process_descriptions::PROCESS_START_TIME.register(registry, self.start_time.clone());
    }

    /// Reads the current values. A file that cannot be read leaves its metrics as they are.
    pub(super) fn update(&self) {
        if let Some(times) = text("stat").as_deref().and_then(CpuTimes::parse) {
            self.cpu.inner().store(times.used.to_bits(), Ordering::Relaxed);
            if let Some(boot) = fs::read_to_string("/proc/stat").ok().as_deref().and_then(boot_time)
            {
                self.start_time.set(boot + times.started_after_boot);
            }
        }
        if let Some(status) = text("status") {
            let kibibytes = |name| field(&status, name).map(|value| value.saturating_mul(1024));
            set(&self.resident, kibibytes("VmRSS:"));
            set(&self.virtual_memory, kibibytes("VmSize:"));
            set(&self.threads, field(&status, "Threads:"));
        }
        if let Some(limits) = text("limits") {
            set(&self.max_files, field(&limits, "Max open files"));
        }
        if let Ok(files) = fs::read_dir("/proc/self/fd") {
            // Reading the folder opens a file.
            set(&self.open_files, i64::try_from(files.count().saturating_sub(1)).ok());
        }
    }
}

fn text(name: &str) -> Option<String> {
    fs::read_to_string(format!("/proc/self/{name}")).ok()
}

fn set(gauge: &Gauge, value: Option<i64>) {
    if let Some(value) = value {
        gauge.set(value);
    }
}

/// The number after a name at the start of a line.
fn field(text: &str, name: &str) -> Option<i64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The CPU time of the process and its start after boot, both in seconds.
#[derive(Debug, PartialEq)]
struct CpuTimes {
    used: f64,
    started_after_boot: f64,
}

impl CpuTimes {
    /// Parses `/proc/self/stat`: fields 14, 15 and 22 (proc(5)). The name in field 2 may contain
    /// spaces and parentheses.
    fn parse(stat: &str) -> Option<Self> {
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        Some(Self {
            used: (ticks(14)? + ticks(15)?) / TICKS_PER_SECOND,
            started_after_boot: ticks(22)? / TICKS_PER_SECOND,
        })
    }
}

/// The time of the system's start in seconds since 1970, from `/proc/stat`.
fn boot_time(stat: &str) -> Option<f64> {
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_behind_a_name_with_spaces() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 4 0 12300 1 1";
        let times = CpuTimes { used: 3.0, started_after_boot: 123.0 };
        assert_eq!(CpuTimes::parse(stat), Some(times));
        assert_eq!(CpuTimes::parse("7 (a) S 1"), None);
        assert_eq!(boot_time("cpu 1 2\nbtime 1800000000\n"), Some(1_800_000_000.0));
    }

    #[test]
    fn reads_fields() {
        let status = "Name:\tlanyard\nVmSize:\t  200 kB\nThreads:\t4\n";
        assert_eq!((field(status, "VmSize:"), field(status, "Threads:")), (Some(200), Some(4)));
        assert_eq!(
            field("Max open files    1024   524288   files\n", "Max open files"),
            Some(1024)
        );
        assert_eq!(field(status, "VmRSS:"), None);
    }
}
