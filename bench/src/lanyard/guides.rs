//! The table of guides: figures as a part of the core's own rates.

use std::fmt::Write;

use lanyard_bench::machine::Machine;

use crate::{
    load::LoadFigures,
    raw::{RawCore, RawWork},
    report,
    work::Work,
};

/// The p99 guide for other requests while users sign in, in milliseconds.
const OTHERS_P99: f64 = 20.0;
/// The guide for the CPU of a sign-in at an identity provider beyond its signatures, in milliseconds.
const UPSTREAM_SIGN_IN: f64 = 3.0;
/// The guide for the CPU of a sign-in with a passkey beyond its signatures, in milliseconds.
const PASSKEY_SIGN_IN: f64 = 2.0;
/// The guide for the CPU of an access decision by a CEL rule, in microseconds.
const ACCESS_RULE: f64 = 20.0;
/// The guide for the CPU of the account page of a person with very many applications, in milliseconds.
const ACCOUNT_PAGE: f64 = 20.0;
/// The guide for the CPU of a proof of DPoP beyond its signature, in microseconds.
const DPOP_PROOF: f64 = 30.0;
/// The guide for the CPU of a session by a pushed authorization request, as a multiple of one without.
const PUSHED_SESSION: f64 = 1.3;
/// The guide for the CPU of a poll of a device, in microseconds: 20,000 polls a second.
const DEVICE_POLL: f64 = 50.0;
/// The guide for the validation of ten thousand identity providers, in seconds: a replica with a
/// thousand tenants is ready in this time.
const VALIDATION: f64 = 5.0;

/// The CPU of an RS256 signature on the machine for which the guides in units of time were set, in microseconds.
const RS256_SIGNATURE: f64 = 360.0;

/// The results of one kind of work, and the rates of the core alone in between.
pub struct ComparedFigures {
    pub figures: LoadFigures,
    /// Operations a second, in the order of [`compared_with`].
    pub rates: Vec<f64>,
}

/// The operations whose rates the table needs for this work.
pub fn compared_with(algorithm: &str, work: Work) -> Vec<RawWork> {
    let (sign, verify) = match algorithm {
        "RS256" => (RawWork::Rs256Sign, RawWork::Rs256Verify),
        _ => (RawWork::Es256Sign, RawWork::Es256Verify),
    };
    match work {
        Work::ClientCredentials | Work::Session | Work::PushedSession | Work::Refresh => vec![sign],
        Work::UpstreamSignIn | Work::PasskeySignIn => vec![sign, verify],
        Work::SignIn => vec![RawWork::Argon2id],
        Work::Discovery
        | Work::Jwks
        | Work::DpopClientCredentials
        | Work::Userinfo
        | Work::Introspection => vec![verify],
        Work::AccountPage
        | Work::DevicePoll
        | Work::Exchange
        | Work::FederatedClientCredentials => Vec::new(),
    }
}

/// Rows of the tables, in the order of measuring.
pub struct Table {
    version: String,
    figures: String,
    guides: String,
    limits: Vec<Limit>,
}

/// A figure that should stay below a limit.
struct Limit {
    /// The columns `work` and `of`.
    what: String,
    value: f64,
    bound: f64,
    unit: &'static str,
}

impl Table {
    pub fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            figures: String::new(),
            guides: String::new(),
            limits: Vec::new(),
        }
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
    pub fn signed(&mut self, algorithm: &str, work: Work, compared: &ComparedFigures) {
        let name = format!("{work:?} {algorithm}");
        let ComparedFigures { figures, rates } = compared;
        self.figures += &report::row(&name, figures);
        let rs256 = |least| (algorithm == "RS256").then_some(least);
        let (of, signatures, least) = match work {
            Work::ClientCredentials => {
                ("the raw signing rate", 1.0, Some(rs256(0.85).unwrap_or(0.5)))
            }
            Work::Session => ("the rate of two signatures", 2.0, rs256(0.75)),
            Work::Refresh => ("the rate of two signatures", 2.0, rs256(0.7)),
            Work::Userinfo => ("the raw verifying rate", 1.0, rs256(0.7)),
            _ => ("the raw verifying rate", 1.0, None),
        };
        self.guide(&name, of, figures.rate() * signatures / rates[0], least);
    }

    /// Sign-ins, and other requests at the same time.
    pub fn busy(&mut self, people: &ComparedFigures, others: &LoadFigures) {
        let ComparedFigures { figures, rates } = people;
        self.figures += &report::row("SignIn", figures);
        self.figures += &report::row("Userinfo at 100/s meanwhile", others);
        self.guide("SignIn", "the argon2id rate", figures.rate() / rates[0], Some(0.9));
        let p99 =
            f64::from(u32::try_from(others.latency.value_at_quantile(0.99)).unwrap_or(u32::MAX))
                / 1000.0;
        self.limit("others while people sign in | p99", p99, OTHERS_P99, "ms");
    }

    /// Sign-ins at an identity provider, whose ID token is verified before two tokens are signed.
    pub fn upstream(&mut self, compared: &ComparedFigures) {
        let name = "UpstreamSignIn ES256";
        let ComparedFigures { figures, rates } = compared;
        self.figures += &report::row(name, figures);
        let signatures = 2.0 / rates[0] + 1.0 / rates[1];
        let beyond = figures.cost() / 1e3 - signatures * 1e3;
        let what = format!("{name} | CPU beyond its signatures");
        self.limit(&what, beyond, UPSTREAM_SIGN_IN, "ms");
    }

    /// Sign-ins with a passkey, whose signature is verified before two tokens are signed.
    pub fn passkey(&mut self, compared: &ComparedFigures) {
        let name = "PasskeySignIn ES256";
        let ComparedFigures { figures, rates } = compared;
        self.figures += &report::row(name, figures);
        let signatures = 2.0 / rates[0] + 1.0 / rates[1];
        let beyond = figures.cost() / 1e3 - signatures * 1e3;
        let what = format!("{name} | CPU beyond its signatures");
        self.limit(&what, beyond, PASSKEY_SIGN_IN, "ms");
    }

    /// Tokens bound to a key by DPoP, whose proof is verified, and tokens that are not.
    pub fn bound(&mut self, bound: &ComparedFigures, plain: &LoadFigures) {
        let ComparedFigures { figures, rates } = bound;
        self.figures += &report::row("ClientCredentials without proof", plain);
        self.figures += &report::row("ClientCredentials with proof", figures);
        let beyond = figures.cost() - plain.cost() - 1e6 / rates[0];
        self.limit("proof of DPoP | CPU beyond its signature", beyond, DPOP_PROOF, "µs");
    }

    /// Sessions by a pushed authorization request, and sessions without.
    pub fn pushed(&mut self, pushed: &LoadFigures, plain: &LoadFigures) {
        self.figures += &report::row("Session without pushed request", plain);
        self.figures += &report::row("Session with pushed request", pushed);
        let times = pushed.cost() / plain.cost();
        let what = "session by a pushed request | CPU of one without";
        self.limit(what, times, PUSHED_SESSION, "times");
    }

    /// Exchanges of access tokens, and refreshes.
    pub fn exchange(&mut self, exchange: &LoadFigures, refresh: &LoadFigures) {
        self.figures += &report::row("Refresh next to exchange", refresh);
        self.figures += &report::row("Exchange", exchange);
        let ratio = exchange.rate() / refresh.rate();
        self.guide("Exchange", "the rate of a refresh", ratio, Some(0.8));
    }

    /// Tokens for a client that authenticates by an assertion of another issuer, and for one with a secret.
    pub fn federated(&mut self, federated: &LoadFigures, plain: &LoadFigures) {
        self.figures += &report::row("ClientCredentials with a secret", plain);
        self.figures += &report::row("ClientCredentials with an assertion", federated);
        let (name, of) = ("ClientCredentials by federation", "the rate with a secret");
        self.guide(name, of, federated.rate() / plain.rate(), Some(0.8));
    }

    /// Polls of devices (RFC 8628 §3.4), whose CPU time per poll is limited.
    pub fn device_poll(&mut self, figures: &LoadFigures) {
        self.figures += &report::row("DevicePoll", figures);
        self.limit("poll of a device | CPU", figures.cost(), DEVICE_POLL, "µs");
    }

    /// Userinfo at a client with an access rule in CEL, and at one without.
    pub fn access_rule(&mut self, with: &LoadFigures, without: &LoadFigures) {
        self.figures += &report::row("Userinfo without access rule", without);
        self.figures += &report::row("Userinfo with access rule", with);
        let decision = with.cost() - without.cost();
        self.limit("access rule in CEL | CPU of a decision", decision, ACCESS_RULE, "µs");
    }

    /// The account page of a person with as many sessions as are kept and very many applications.
    pub fn account_page(&mut self, applications: usize, figures: &LoadFigures) {
        self.figures += &report::row("AccountPage", figures);
        let what = format!("account page with all sessions and {applications} applications | CPU");
        self.limit(&what, figures.cost() / 1e3, ACCOUNT_PAGE, "ms");
    }

    /// The seconds in which identity providers were validated.
    pub fn validation(&mut self, providers: usize, seconds: f64) {
        let what = format!("validation of {providers} identity providers | time on one core");
        self.limit(&what, seconds, VALIDATION, "s");
    }

    fn limit(&mut self, what: &str, value: f64, limit: f64, unit: &'static str) {
        self.limits.push(Limit { what: what.to_owned(), value, bound: limit, unit });
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

impl Limit {
    /// The row of the table on a machine that is `slowness` times as slow as that of the guides.
    fn row(&self, slowness: f64) -> String {
        let Self { what, value, bound, unit } = self;
        let scaled = if *unit == "times" { *value } else { value / slowness };
        let verdict = |value: f64| if value < *bound { "reached" } else { "missed" };
        format!(
            "| {what} | {value:.2} {unit} | < {bound} {unit} | {} | {scaled:.2} {unit} | {} |\n",
            verdict(*value),
            verdict(scaled)
        )
    }
}

impl Table {
    /// The table of limits. The scaled figures are divided by the ratio of this core's fastest RS256 signature
    /// to that of the core for which the limits were set.
    fn limits(&self, core: &RawCore) -> String {
        let signature = core.range(RawWork::Rs256Sign).map(|[.., most]| 1e6 / most);
        let signature = signature.unwrap_or(RS256_SIGNATURE);
        let rows: String =
            self.limits.iter().map(|limit| limit.row(signature / RS256_SIGNATURE)).collect();
        format!(
            "## Limits\n\n\
             The guides in units of time were set for a core that makes an RS256 signature in {RS256_SIGNATURE} µs. This one \
             needs {signature:.0} µs. The last two columns have the figure divided by the ratio of both.\n\n\
             | work | of | figure | guide | | scaled | |\n|---|---|---:|---:|---|---:|---|\n{rows}"
        )
    }

    /// The tables in Markdown, with the rates of `core`.
    pub fn markdown(&self, core: &RawCore) -> String {
        format!(
            "# {}\n\n{}; the server on one core, the driver on another.\n\n\
             ## As parts of the core's own rates, measured in between\n\n\
             | work | of | ratio | guide | |\n|---|---|---:|---:|---|\n{}\n{}\n\
             ## Rates of the core alone\n\n{core}\n\
             ## Figures\n\n{}{}",
            self.version,
            Machine::here(),
            self.guides,
            self.limits(core),
            report::HEAD,
            self.figures
        )
    }
}
