//! CPU seconds and memory of a server's processes (Linux, proc(5)).

use std::fs;

use anyhow::{Context, Result};

/// Processes that make up the server.
#[derive(Clone, Debug, Default)]
pub struct Processes(pub Vec<u32>);

impl Processes {
    /// CPU seconds since their start, in user and kernel mode.
    ///
    /// # Errors
    ///
    /// One of the processes does not exist.
    pub fn seconds(&self) -> Result<f64> {
        self.0.iter().map(|pid| ticks(*pid)).sum::<Result<f64>>()
    }

    /// Peak resident memory, in bytes.
    ///
    /// # Errors
    ///
    /// One of the processes does not exist.
    pub fn peak(&self) -> Result<u64> {
        self.0.iter().map(|pid| status(*pid, "VmHWM:")).sum()
    }

    /// Resident memory, in bytes.
    ///
    /// # Errors
    ///
    /// One of the processes does not exist.
    pub fn resident(&self) -> Result<u64> {
        self.0.iter().map(|pid| status(*pid, "VmRSS:")).sum()
    }
}

fn ticks(pid: u32) -> Result<f64> {
    let stat = read(pid, "stat")?;
    // The name of the program may hold blanks: fields are counted after its closing parenthesis.
    let fields = stat.rsplit_once(") ").context("an unknown form of /proc/PID/stat")?.1;
    let used: Vec<f64> =
        fields.split(' ').skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    #[expect(clippy::cast_precision_loss, reason = "there are 100 ticks in a second")]
    Ok(used.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64)
}

fn status(pid: u32, field: &str) -> Result<u64> {
    let status = read(pid, "status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .context("no such field in /proc/PID/status")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

fn read(pid: u32, file: &str) -> Result<String> {
    fs::read_to_string(format!("/proc/{pid}/{file}")).with_context(|| format!("no process {pid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_memory_and_time() {
        let me = Processes(vec![std::process::id()]);
        let before = me.seconds().expect("it runs");
        while me.seconds().expect("it runs") <= before {}
        assert!(me.resident().expect("it runs") > 1 << 20);
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        assert!(Processes(vec![u32::MAX]).seconds().is_err());
    }
}
