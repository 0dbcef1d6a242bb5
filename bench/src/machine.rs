//! Where it is measured (Linux, proc(5)).

use std::{fmt, fs};

/// What a figure depends on.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Cores that are there. Not those this process may use: whoever asks may have chosen one already.
    pub cores: usize,
    /// Of the processor.
    pub model: String,
    /// Of the kernel.
    pub linux: String,
    /// In all, as the kernel writes it.
    pub memory: String,
}

impl Machine {
    /// This one.
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
