//! The tables of the report, as Markdown.

use std::{fmt::Write as _, fs, path::Path, process::Command, time::Duration};

use anyhow::Result;
use lanyard_bench::machine::Machine;

use crate::{args::Args, grants, measure, measure::TenantFigures};

/// The results so far, to which each measurement adds.
pub struct Report {
    text: String,
    rows: Vec<Row>,
    grants: Vec<String>,
    clients: usize,
    key: f64,
}

struct Row {
    what: &'static str,
    tenants: usize,
    resident: f64,
    rest: String,
}

impl Report {
    /// Starts with the description of the machine.
    pub fn begin(args: &Args) -> Result<Self> {
        let Machine { cores, model, linux, memory } = Machine::here();
        let lanyard = said(args.binary().to_str().unwrap_or_default(), &["--version"]);
        let commit = said("git", &["rev-parse", "--short", "HEAD"]);
        let mut text = String::new();
        writeln!(text, "- machine: {model}, {cores} cores, {memory} of memory")?;
        writeln!(text, "- Linux {linux}, {lanyard} at {commit}")?;
        writeln!(text, "- {}", jiff::Zoned::now().strftime("%Y-%m-%d %H:%M %Z"))?;
        let (rows, grants) = (Vec::new(), Vec::new());
        Ok(Self { text, rows, grants, clients: args.clients, key: measure::key_size()? })
    }

    /// Adds the figures of a number of tenants.
    pub fn tenants(&mut self, what: &'static str, tenants: usize, figures: &TenantFigures) {
        let mut ready = figures.ready.clone();
        ready.sort();
        let mut rest = format!(
            "{:.1} | {:.1} | {} | {:.2}",
            figures.resident / 1024.0,
            figures.peak / 1024.0,
            seconds(ready[ready.len() / 2]),
            figures.idle
        );
        for live in &figures.live {
            eprintln!("  {}: at most {:?}", live.what, live.took.last().unwrap_or(&Duration::ZERO));
            let (p50, p99) = (percentile(&live.took, 50), percentile(&live.took, 99));
            rest.extend([" | ", &millis(p50), " / ", &millis(p99)]);
        }
        eprintln!("{what}, {tenants} tenants: {rest}");
        self.rows.push(Row { what, tenants, resident: figures.resident, rest });
    }

    /// Adds the figures of stores, compared with those with the fewest grants.
    pub fn grants(&mut self, all: &[grants::GrantFigures]) {
        for figures in all {
            let first = all.iter().find(|other| other.store == figures.store);
            for (at, (what, rate)) in figures.rates.iter().enumerate() {
                let base = first.map_or(*rate, |first| first.rates[at].1);
                let line = format!(
                    "| {} | {what} | {} | {rate:.0} | {:+.0} % |",
                    figures.store,
                    figures.grants,
                    100.0 * (rate / base - 1.0)
                );
                eprintln!("{line}");
                self.grants.push(line);
            }
        }
    }

    /// Prints the report, and writes it to the file that was asked for.
    pub fn end(mut self, file: Option<&Path>) -> Result<()> {
        if !self.rows.is_empty() {
            self.tenants_table()?;
        }
        if !self.grants.is_empty() {
            let head = "\n| store | operation | live grants | a second | against the fewest |\n|---|---|---|---|---|";
            writeln!(self.text, "{head}")?;
            for line in &self.grants {
                writeln!(self.text, "{line}")?;
            }
        }
        println!("{}", self.text);
        if let Some(file) = file {
            fs::write(file, format!("# How cost grows\n\n{}", self.text))?;
        }
        Ok(())
    }

    fn tenants_table(&mut self) -> Result<()> {
        let (clients, key) = (self.clients, self.key);
        let text = &mut self.text;
        writeln!(
            text,
            "- a tenant has {clients} clients with a Secret each, and one RSA key, which takes \
             {key:.1} KiB with its entry\n"
        )?;
        writeln!(
            text,
            "| source | tenants | KiB a tenant beyond its key | resident, MiB | peak, MiB | ready, s \
             | CPU at rest, % | public client live, ms p50 / p99 | client with Secret | edited client \
             | tenant |\n|---|---|---|---|---|---|---|---|---|---|---|"
        )?;
        for row in &self.rows {
            let same = |other: &&Row| other.what == row.what && other.tenants < row.tenants;
            let each = match self.rows.iter().find(same) {
                None => "-".to_owned(),
                Some(first) => {
                    let count = u32::try_from(row.tenants - first.tenants)?;
                    let each = (row.resident - first.resident) / f64::from(count);
                    format!("{:.1}", each - key)
                }
            };
            writeln!(text, "| `{}` | {} | {each} | {} |", row.what, row.tenants, row.rest)?;
        }
        Ok(())
    }
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

fn millis(duration: Duration) -> String {
    format!("{:.0}", duration.as_secs_f64() * 1000.0)
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64())
}
