//! The table of guides: figures as a part of the core's own rates.

use std::fmt::{self, Write};

use lanyard_bench::machine::Machine;

use crate::{load::LoadFigures, raw::Raw, report, work::Work};

/// The p99 guide for other requests while users sign in, in milliseconds.
const OTHERS_P99: f64 = 20.0;

/// Rows of the tables, in the order of measuring.
pub struct Table {
    raw: Raw,
    version: String,
    figures: String,
    guides: String,
}

impl Table {
    pub fn new(raw: Raw, version: &str) -> Self {
        Self { raw, version: version.to_owned(), figures: String::new(), guides: String::new() }
    }

    /// Prepared responses, compared with a bare server.
    ///
    /// Where the server's core was not busy all the time, the driver was the limit. Then the cost of
    /// a request counts, not the rate.
    pub fn plain(&mut self, work: Work, bare: &LoadFigures, figures: &LoadFigures) {
        let name = format!("{work:?}");
        self.figures += &report::row(&format!("{name}, bare hyper"), bare);
        self.figures += &report::row(&name, figures);
        self.guide(&name, "a bare hyper server, by rate", figures.rate() / bare.rate(), Some(0.6));
        self.guide(&name, "a bare hyper server, by CPU", bare.cost() / figures.cost(), Some(0.6));
    }

    /// Work that signs or verifies.
    pub fn signed(&mut self, algorithm: &str, work: Work, figures: &LoadFigures) {
        let name = format!("{work:?} {algorithm}");
        self.figures += &report::row(&name, figures);
        let (sign, verify) = match algorithm {
            "RS256" => (self.raw.rs256_sign, self.raw.rs256_verify),
            _ => (self.raw.es256_sign, self.raw.es256_verify),
        };
        let rs256 = |least| (algorithm == "RS256").then_some(least);
        let (of, limit, least) = match work {
            Work::ClientCredentials => {
                ("the raw signing rate", sign, Some(rs256(0.85).unwrap_or(0.5)))
            }
            Work::Session => ("the rate of two signatures", sign / 2.0, rs256(0.75)),
            Work::Refresh => ("the rate of two signatures", sign / 2.0, rs256(0.7)),
            Work::Userinfo => ("the raw verifying rate", verify, rs256(0.7)),
            _ => ("the raw verifying rate", verify, None),
        };
        self.guide(&name, of, figures.rate() / limit, least);
    }

    /// Sign-ins, and other requests at the same time.
    pub fn busy(&mut self, people: &LoadFigures, others: &LoadFigures) {
        self.figures += &report::row("SignIn", people);
        self.figures += &report::row("Userinfo at 100/s meanwhile", others);
        self.guide("SignIn", "the argon2id rate", people.rate() / self.raw.argon2id, Some(0.9));
        let p99 =
            f64::from(u32::try_from(others.latency.value_at_quantile(0.99)).unwrap_or(u32::MAX))
                / 1000.0;
        let verdict = if p99 < OTHERS_P99 { "reached" } else { "missed" };
        let others = "others while people sign in | p99";
        let _ =
            writeln!(self.guides, "| {others} | {p99:.1} ms | < {OTHERS_P99:.0} ms | {verdict} |");
    }

    fn guide(&mut self, name: &str, of: &str, ratio: f64, least: Option<f64>) {
        let (least, verdict) = match least {
            None => (String::new(), ""),
            Some(least) if ratio >= least => (format!("≥ {:.0} %", least * 100.0), "reached"),
            Some(least) => (format!("≥ {:.0} %", least * 100.0), "missed"),
        };
        let percent = ratio * 100.0;
        let _ = writeln!(self.guides, "| {name} | {of} | {percent:.0} % | {least} | {verdict} |");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Raw { rs256_sign, rs256_verify, es256_sign, es256_verify, argon2id } = self.raw;
        write!(
            to,
            "# {}\n\n{}; the server on one core, the driver on another.\n\n\
             ## Rates of the core alone\n\n| work | per second |\n|---|---:|\n\
             | RS256 sign | {rs256_sign:.0} |\n| RS256 verify | {rs256_verify:.0} |\n\
             | ES256 sign | {es256_sign:.0} |\n| ES256 verify | {es256_verify:.0} |\n\
             | argon2id (19 MiB, 2 passes) | {argon2id:.1} |\n\n\
             ## As parts of that\n\n| work | of | ratio | guide | |\n|---|---|---:|---:|---|\n{}\n\
             ## Figures\n\n{}{}",
            self.version,
            Machine::here(),
            self.guides,
            report::HEAD,
            self.figures
        )
    }
}
