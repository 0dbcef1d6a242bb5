//! The table of guides: figures as a part of the core's own rates.

use std::fmt::{self, Write};

use lanyard_bench::machine::Machine;

use crate::{load::LoadFigures, raw::Raw, report, work::Work};

/// The p99 guide for other requests while users sign in, in milliseconds.
const OTHERS_P99: f64 = 20.0;
/// The guide for the CPU of a sign-in at an identity provider beyond its signatures, in milliseconds.
const UPSTREAM_SIGN_IN: f64 = 3.0;
/// The guide for the CPU of an access decision by a CEL rule, in microseconds.
const ACCESS_RULE: f64 = 20.0;
/// The guide for the validation of ten thousand identity providers, in seconds: a replica with a
/// thousand tenants is ready in this time.
const VALIDATION: f64 = 5.0;

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
        self.limit("others while people sign in | p99", p99, OTHERS_P99, "ms");
    }

    /// Sign-ins at an identity provider, whose ID token is verified before two tokens are signed.
    pub fn upstream(&mut self, figures: &LoadFigures) {
        let name = "UpstreamSignIn ES256";
        self.figures += &report::row(name, figures);
        let signatures = 2.0 / self.raw.es256_sign + 1.0 / self.raw.es256_verify;
        let beyond = figures.cost() / 1e3 - signatures * 1e3;
        let what = format!("{name} | CPU beyond its signatures");
        self.limit(&what, beyond, UPSTREAM_SIGN_IN, "ms");
    }

    /// Userinfo at a client with an access rule in CEL, and at one without.
    pub fn access_rule(&mut self, with: &LoadFigures, without: &LoadFigures) {
        self.figures += &report::row("Userinfo without access rule", without);
        self.figures += &report::row("Userinfo with access rule", with);
        let decision = with.cost() - without.cost();
        self.limit("access rule in CEL | CPU of a decision", decision, ACCESS_RULE, "µs");
    }

    /// The seconds in which identity providers were validated.
    pub fn validation(&mut self, providers: usize, seconds: f64) {
        let what = format!("validation of {providers} identity providers | time on one core");
        self.limit(&what, seconds, VALIDATION, "s");
    }

    fn limit(&mut self, what: &str, value: f64, limit: f64, unit: &str) {
        let verdict = if value < limit { "reached" } else { "missed" };
        let _ =
            writeln!(self.guides, "| {what} | {value:.2} {unit} | < {limit} {unit} | {verdict} |");
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
