//! Properties of the machine that runs the benchmark (Linux, proc(5)).

use std::{fmt, fs};

/// Properties of the machine that figures depend on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Cores of the machine. Not those of this process, which may be pinned to one already.
    pub cores: usize,
    /// The model name of the processor.
    pub model: String,
    /// The kernel's release, as `uname -r` prints it.
    pub linux: String,
    /// Total memory, in the kernel's notation.
    pub memory: String,
}

impl Machine {
    /// The machine that this process runs on.
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name| {
            let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
            line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let cpuinfo = read("/proc/cpuinfo");
        Self {
            cores: cpuinfo.lines().filter(|line| line.starts_with("processor")).count(),
            model: field(&cpuinfo, "model name"),
            linux: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory: field(&read("/proc/meminfo"), "MemTotal"),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} cores of {}, Linux {}", self.cores, self.model, self.linux)
    }
}
